import AuditActions
import Foundation
import Testing

@testable import ActionStore

/// The store against a plain model of it: random interleavings of appends (several partitions, several queues, mixed
/// TTLs), time passing, maintenance, kills, restarts and readers at every limit.
///
/// `TEST_SEED` repeats a run; a failure prints the seed.
@Suite("The store and a plain model of it")
struct ModelTests {
  static let stepsPerRun = 5_000

  @Test("agree after every step", arguments: 0..<4)
  func agreement(run: Int) throws {
    let given = ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) }
    let seed = given.map { $0 &+ UInt64(run) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("model run \(run): TEST_SEED=\(seed &- UInt64(run))")
    var model = try StoreModel(seed: seed)
    for step in 0..<Self.stepsPerRun {
      try model.step()
      if let problem = model.problem {
        Issue.record("seed \(seed), run \(run), step \(step): \(problem)")
        return
      }
    }
    #expect(model.actionsRead > Self.stepsPerRun / 2)
  }
}

private struct StoreModel {
  struct Stored {
    var draft: Draft
    var created: Int64
    func isLive(at now: Int64) -> Bool { created + Int64(draft.timeToLive) * 1_000 > now }
  }

  struct Reader {
    var queue: String
    var marker: Marker?
    /// Offsets seen, by partition.
    var seen: [Int32: Int64] = [:]
  }

  private var random: SeededGenerator
  private let fixture: StoreFixture
  private var store: ActionStore
  /// By queue, then partition: ascending by offset.
  private var actions: [String: [Int32: [Stored]]] = [:]
  private var received: [String: UInt64] = [:]
  private var nextOffset: [Int32: Int64] = [:]
  private var partitions: Int32 = 1
  private var readers: [Reader] = []
  private(set) var problem: String?
  private(set) var actionsRead = 0

  private static let queues = ["p/a", "p/b", "p/c", "x/a"]
  private static let timesToLive: [Int32] = [1, 20, 60, 300, 301, 900, 4_000]

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    fixture = try StoreFixture(segmentBytesMax: 4_000)
    store = try fixture.open()
  }

  mutating func step() throws {
    switch Int.random(in: 0..<1_000, using: &random) {
    case ..<350: try append()
    case ..<450: fixture.clock.advance(milliseconds: .random(in: 1...8_000, using: &random))
    case ..<470: fixture.clock.advance(seconds: .random(in: 1...200, using: &random))
    case ..<530: try store.maintain()
    case ..<533: try restart(isKilled: true)
    case ..<535: try restart(isKilled: false)
    case ..<537: partitions = min(partitions + 1, 5)
    case ..<560: checkStatistics()
    case ..<600: beginReader()
    case ..<640: checkItem()
    default: read()
    }
    forgetExpired()
  }

  private mutating func append() throws {
    var batch: [Draft] = []
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      let partition = Int32.random(in: 0..<partitions, using: &random)
      // Offsets are not dense: transactions leave holes.
      let offset = nextOffset[partition, default: 0] + (Int.random(in: 0..<10, using: &random) == 0 ? 3 : 0)
      let now = fixture.clock.nowMilliseconds()
      batch.append(
        Draft(
          queue: Self.queues.randomElement(using: &random) ?? "p/a", partition: partition, offset: offset,
          timeToLive: Self.timesToLive.randomElement(using: &random) ?? 300,
          timestamp: Bool.random(using: &random) ? now : now + .random(in: -30_000...30_000, using: &random)))
      nextOffset[partition] = offset + 1
    }
    try store.append(batch)
    let now = fixture.clock.nowMilliseconds()
    for draft in batch {
      received[draft.queue, default: 0] += 1
      let stored = Stored(draft: draft, created: min(draft.timestamp ?? now, now))
      if stored.isLive(at: now) { actions[draft.queue, default: [:]][draft.partition, default: []].append(stored) }
    }
  }

  private mutating func restart(isKilled: Bool) throws {
    if isKilled { store.abandon() } else { try store.close() }
    store = try fixture.open()
    for partition in 0..<partitions where store.nextOffset(of: partition) != nextOffset[partition] {
      problem = "partition \(partition) goes on at another offset after a restart"
    }
  }

  private mutating func beginReader() {
    if readers.count > 20 { readers.removeFirst() }
    readers.append(Reader(queue: Self.queues.randomElement(using: &random) ?? "p/a"))
  }

  /// Reads one page and holds it against what the model says comes next in each partition.
  private mutating func read() {
    guard !readers.isEmpty else { return beginReader() }
    let index = Int.random(in: 0..<readers.count, using: &random)
    var reader = readers[index]
    guard let queue = try? QueueAddress.test(reader.queue) else { return }
    let limit = Int.random(in: 1...50, using: &random)
    let page = store.page(of: queue, after: reader.marker, limit: limit)
    let now = fixture.clock.nowMilliseconds()
    var expected = (actions[reader.queue] ?? [:]).mapValues { list in list.filter { $0.isLive(at: now) } }
    for (partition, offset) in reader.seen { expected[partition]?.removeAll { $0.draft.offset <= offset } }
    let left = expected.reduce(0) { $0 + $1.value.count }
    if page.actions.count != min(limit, left) {
      problem = "a page of \(limit) has \(page.actions.count) actions where \(left) are left"
    }
    for action in page.actions {
      let partition = action.position.partition
      guard let first = expected[partition]?.first, first.draft.offset == action.position.offset else {
        problem = "\(action.position) comes before its turn"
        return
      }
      if action.text != first.draft.body { problem = "\(action.position) has another body" }
      if action.createdMilliseconds != first.created { problem = "\(action.position) has another time" }
      expected[partition]?.removeFirst()
      reader.seen[partition] = action.position.offset
    }
    actionsRead += page.actions.count
    if !page.actions.isEmpty {
      // A marker lives outside the process: it is sealed and opened again.
      let text = store.sealer.seal(page.marker, queue: queue)
      reader.marker = try? store.sealer.openMarker(text, queue: queue)
    }
    readers[index] = reader
  }

  private mutating func checkStatistics() {
    for key in Self.queues {
      guard let queue = try? QueueAddress.test(key) else { continue }
      let now = fixture.clock.nowMilliseconds()
      let live = (actions[key] ?? [:]).values.joined().filter { $0.isLive(at: now) }.count
      let statistics = store.statistics(of: queue)
      if statistics?.live ?? 0 != UInt64(live) {
        problem = "\(key) has \(live) live actions, not \(statistics?.live ?? 0)"
      }
      if statistics?.received ?? 0 != received[key] ?? 0 {
        problem = "\(key) received \(received[key] ?? 0), not \(statistics?.received ?? 0)"
      }
    }
  }

  private mutating func checkItem() {
    guard let (key, byPartition) = actions.randomElement(using: &random),
      let stored = byPartition.values.joined().randomElement(using: &random), let queue = try? QueueAddress.test(key)
    else { return }
    let position = ActionPosition(partition: stored.draft.partition, offset: stored.draft.offset)
    let found = store.action(at: position, in: queue)
    let expected = stored.isLive(at: fixture.clock.nowMilliseconds()) ? stored.draft.body : nil
    if found?.text != expected { problem = "\(position) is not what it should be" }
  }

  /// Keeps the model small: what has expired can never be read again.
  private mutating func forgetExpired() {
    guard Int.random(in: 0..<50, using: &random) == 0 else { return }
    let now = fixture.clock.nowMilliseconds()
    for queue in actions.keys {
      for partition in actions[queue, default: [:]].keys {
        actions[queue]?[partition]?.removeAll { !$0.isLive(at: now) }
      }
    }
  }
}
