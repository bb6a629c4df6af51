import AuditActions
import Foundation

@testable import ActionStore

/// A whole data directory with something wrong in it, opened as a starting node opens it: it is refused with a reason,
/// or what it serves is what was stored, and it takes what Kafka still has.
final class DirectoryTarget: FuzzTarget {
  static let name = "stores"
  static let share = 500_000

  private let sample: StoreSample
  private let directory = Scratch.path("store")
  private let mutation = Mutation(
    ["FRM1", "STRDSEG\n", "STRDIDX\n", "SQLite format 3\0", "99", "audit.actions"],
    raw: [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]])

  init(seed: UInt64) throws { sample = try StoreSample() }

  func run(_ random: inout SeededRandom) throws {
    try? FileManager.default.removeItem(atPath: directory)
    try FileManager.default.createDirectory(atPath: directory + "/segments", withIntermediateDirectories: true)
    var files = sample.files
    var story: [String] = []
    var isForged = false
    for _ in 0...random.below(2) { damage(&files, &story, &isForged, &random) }
    // A segment that is gone, or ends earlier, may have been given up by the store itself: it does not ask for more.
    let isShort = sample.files.contains { file in
      file.name.hasSuffix(".segment") && files.first { $0.name == file.name }?.bytes.count ?? 0 < file.bytes.count
    }
    for file in files {
      _ = FileManager.default.createFile(atPath: "\(directory)/\(file.name)", contents: Data(file.bytes))
    }
    let what = Array(story.joined(separator: "; ").utf8)
    let store: ActionStore
    do {
      store = try ActionStore(
        configuration: StoreSample.configuration(directory), clock: StoreSample.Clock(StoreSample.startMilliseconds),
        logger: FeedWorld.quiet)
    } catch { return }
    defer { store.abandon() }
    // With a right checksum nobody can tell a damaged file from a written one.
    for kept in try read(store) where !isForged && !sample.actions.contains(kept) {
      throw Finding("serves what was never stored at \(kept.position)", what)
    }
    if let numbered = try? store.numberedActions(StoreSample.log, in: .full, limit: 500) {
      for action in numbered.actions where !isForged {
        let kept = StoreSample.Kept(position: action.action.position, body: action.action.body)
        guard sample.actions.contains(kept), action.sequence == kept.position.offset + 1 else {
          throw Finding("gives number \(action.sequence) to what has another at \(kept.position)", what)
        }
        guard action.seal == StoreSample.seal(of: kept.position.offset) else {
          throw Finding("gives a proof that is not that of number \(action.sequence)", what)
        }
      }
    }
    // What a node finds in the background, or a page has found.
    store.verify { _ in true }
    try store.repair()
    for kept in try read(store) where !isForged && !sample.actions.contains(kept) {
      throw Finding("serves what was never stored at \(kept.position) after a repair", what)
    }
    if isForged || isShort { return }
    // Kafka still has everything: what is missing is stored again, and then all of it is there, once.
    _ = try store.append { writer in
      for kept in sample.actions.sorted(by: { $0.position.offset < $1.position.offset })
      where kept.position.offset >= store.nextOffset(of: kept.position.partition) ?? 0 {
        let key = Array(StoreSample.queues[Int(kept.position.offset) % 4 % 2].utf8)
        key.withUnsafeBytes { key in
          _ = kept.body.withUnsafeBytes { body in
            writer.add(
              partition: kept.position.partition, offset: kept.position.offset, key: key, timestampMilliseconds: nil,
              timeToLiveSeconds: 300, eventHash: 0, body: body)
          }
        }
      }
    }
    let now = try read(store)
    guard now.count == sample.actions.count, Set(now) == sample.actions else {
      throw Finding("after reading again \(now.count) of \(sample.actions.count) actions are there", what)
    }
    try store.maintain()
  }

  private func read(_ store: ActionStore) throws -> [StoreSample.Kept] {
    var all: [StoreSample.Kept] = []
    for key in StoreSample.queues {
      let parts = key.split(separator: "/")
      let queue = try QueueAddress(project: String(parts[0]), queue: String(parts[1]))
      var marker: Marker?
      for _ in 0..<1_000 {
        let page = store.page(of: queue, after: marker, limit: 20)
        all += page.actions.map { StoreSample.Kept(position: $0.position, body: $0.body) }
        if page.actions.isEmpty && (page.isExhausted || store.isDamaged) { break }
        marker = page.marker
      }
      _ = store.statistics(of: queue)
    }
    return all
  }

  private func damage(
    _ files: inout [(name: String, bytes: [UInt8])], _ story: inout [String], _ isForged: inout Bool,
    _ random: inout SeededRandom
  ) {
    guard !files.isEmpty else { return }
    let place = random.below(files.count)
    let file = files[place]
    switch random.below(10) {
    case 0:
      story.append("\(file.name) is gone")
      files.remove(at: place)
    case 1:
      let other = random.pick(files)
      // A segment under another's name is that segment: nothing in it is wrong.
      guard !file.name.hasSuffix(".segment") || !other.name.hasSuffix(".segment") else { return }
      story.append("\(file.name) holds \(other.name)")
      files[place].bytes = other.bytes
    case 2:
      files[place].bytes.removeLast(random.below(file.bytes.count + 1))
      story.append("\(file.name) of \(file.bytes.count) bytes is cut to \(files[place].bytes.count)")
    default:
      var bytes = mutation.apply(to: file.bytes, with: random.pick(files).bytes, &random)
      if random.oneIn(3) {
        if file.name.hasSuffix(".segment") { Checksums.mendSegment(&bytes) }
        if file.name.hasSuffix(".index") { Checksums.mendIndex(&bytes) }
        isForged = true
      }
      // A catalog that SQLite takes for whole says what it says.
      if file.name.hasPrefix("catalog") { isForged = true }
      let first = zip(bytes, file.bytes).enumerated().first { $1.0 != $1.1 }?.offset
      story.append(
        "\(file.name) of \(file.bytes.count) bytes is damaged from byte \(first ?? min(bytes.count, file.bytes.count)) on,"
          + " now \(bytes.count)")
      files[place].bytes = bytes
    }
  }
}
