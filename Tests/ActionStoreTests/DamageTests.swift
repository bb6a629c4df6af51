import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("Damage of what a store was closed with")
struct DamageTests {
  let fixture: StoreFixture
  let queue: QueueAddress

  init() throws {
    fixture = try StoreFixture(segmentBytesMax: 1_000)
    queue = try .test("p/q")
    let store = try fixture.open()
    for offset in 0..<20 { try store.append([Draft(offset: Int64(offset), padding: 50)]) }
    try store.close()
  }

  /// Changes a byte in place, as a disk does.
  private func flip(_ file: String, at position: (Int) -> Int) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    let position = position(Int(try handle.seekToEnd()))
    try handle.seek(toOffset: UInt64(position))
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: UInt64(position))
    try handle.write(contentsOf: [byte ^ 0x10])
    try handle.close()
  }

  private func segments() throws -> [String] { try fixture.directory.files(withSuffix: ".segment") }

  private func damagedFolders() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path).filter { $0.contains(".damaged-") }
  }

  /// What the topic still has.
  private func readAgain(_ store: ActionStore) throws {
    let next = store.nextOffset(of: 0) ?? 0
    try store.append((next..<20).map { Draft(offset: $0, padding: 50) })
    #expect(store.all(queue).map(\.text) == (0..<20).map { Draft(offset: $0, padding: 50).body })
    #expect(store.balance().unbalancedQueues == 0)
  }

  @Test("is not looked for at the start, and is found before a reader gets it")
  func page() throws {
    #expect(try segments().count > 3)
    try flip(try segments()[0]) { $0 - 10 }
    let store = try fixture.open()
    // Nothing was read: nothing is noticed.
    #expect(store.nextOffset(of: 0) == 20 && !store.isDamaged)
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(store.isDamaged)
    #expect(page.actions.isEmpty && page.gaps.isEmpty && !page.isExhausted && page.marker.entries.isEmpty)
    #expect(store.action(at: ActionPosition(partition: 0, offset: 19), in: queue) == nil)
    #expect { try store.append([Draft(offset: 20)]) } throws: { ($0 as? StoreError)?.code == .damaged }
    try store.repair()
    #expect(!store.isDamaged)
    #expect(try damagedFolders().count == 1)
    #expect(try #require(store.nextOffset(of: 0)) < 20)
    try readAgain(store)
    // Noticed once.
    try store.close()
    let next = try fixture.open()
    next.verify { _ in true }
    #expect(!next.isDamaged)
    #expect(next.positions(queue).map(\.offset) == Array(0..<20))
    #expect(try damagedFolders().count == 1)
  }

  @Test(
    "anywhere in a segment or an index never serves a wrong byte, and is found in the background", arguments: 0..<80)
  func anywhere(round: Int) throws {
    var random = SeededGenerator(seed: UInt64(round))
    let file = try #require(
      try fixture.directory.files(withSuffix: round % 2 == 0 ? ".segment" : ".index").randomElement(using: &random))
    try flip(file) { Int.random(in: 0..<$0, using: &random) }
    let store: ActionStore
    do { store = try fixture.open() } catch let error as StoreError where error.code == .newerVersion { return }
    var marker: Marker?
    var texts: [String] = []
    for _ in 0..<30 {
      let page = store.page(of: queue, after: marker, limit: 3)
      #expect(page.gaps.isEmpty)
      texts += page.actions.map(\.text)
      marker = page.marker
    }
    #expect(texts == (0..<texts.count).map { Draft(offset: Int64($0), padding: 50).body })
    if round % 3 == 0 {
      // What has expired, and cannot be counted, stays until it was read again.
      fixture.clock.advance(seconds: 400)
      try store.maintain()
    }
    store.verify { _ in true }
    try store.repair()
    #expect(!store.isDamaged)
    if round % 3 == 0 {
      let next = store.nextOffset(of: 0) ?? 0
      try store.append((next..<20).map { Draft(offset: $0, padding: 50) })
      try store.maintain()
      let statistics = try #require(store.statistics(of: queue))
      #expect(statistics.isBalanced && store.nextOffset(of: 0) == 20)
    } else {
      try readAgain(store)
    }
  }

  @Test("of a segment's version number is damage, not a newer version, once the store runs")
  func version() throws {
    try flip(try segments()[1]) { _ in 11 }
    let store = try fixture.open()
    store.verify { _ in true }
    #expect(store.isDamaged)
    try store.repair()
    try readAgain(store)
  }

  @Test("a segment that is missing or shorter is noticed at the start", arguments: ["cut", "remove"])
  func length(kind: String) throws {
    let file = try segments()[1]
    if kind == "remove" {
      try FileManager.default.removeItem(atPath: file)
    } else {
      let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
      try handle.truncate(atOffset: try handle.seekToEnd() - 7)
    }
    let store = try fixture.open()
    #expect(try #require(store.nextOffset(of: 0)) < 20)
    #expect(try damagedFolders().count == (kind == "remove" ? 0 : 1))
    try readAgain(store)
  }

  @Test("does not bring back what a partition was to be known again by, once that is forgotten")
  func forgotten() throws {
    func add(_ offset: Int64, to store: ActionStore) throws {
      _ = try store.append { batch in
        Draft(offset: offset, padding: 50).add(to: batch)
        batch.remember(RecordFingerprint(value: UInt32(offset)), at: offset, of: 0)
      }
    }
    let earlier = try fixture.open()
    for offset in Int64(20)..<40 { try add(offset, to: earlier) }
    try earlier.close()
    let store = try fixture.open()
    #expect(store.standings[0] == Standing(next: 40, lastRecord: RecordFingerprint(value: 39)))
    store.forgetLastRecords()
    #expect(store.standings[0] == Standing(next: 40, lastRecord: .unknown))
    // What follows it goes, and the record before it was remembered as well.
    try flip(try #require(try segments().dropLast(2).last)) { $0 - 10 }
    store.verify { _ in true }
    try store.repair()
    let back = try #require(store.standings[0])
    #expect(back.next > 20 && back.next < 40 && !back.lastRecord.isKnown)
    for offset in back.next..<41 { try add(offset, to: store) }
    #expect(store.standings[0] == Standing(next: 41, lastRecord: RecordFingerprint(value: 40)))
  }

  @Test("is not said to have expired when it comes again", arguments: ["removed", "while running", "all"])
  func comesAgain(kind: String) throws {
    let earlier = try fixture.open()
    try earlier.append([Draft(offset: 20, timeToLive: 1, padding: 50)])
    try earlier.reject("p/q", offset: 21)
    for offset in Int64(22)..<40 { try earlier.append([Draft(offset: offset, padding: 50)]) }
    #expect(earlier.all(queue).count == 39)
    try earlier.reject("p/q", offset: 40)
    try earlier.close()
    let files = try segments()
    var store: ActionStore
    switch kind {
    case "removed":
      try FileManager.default.removeItem(atPath: files[files.count / 2])
      store = try fixture.open()
    case "all":
      for file in files { try FileManager.default.removeItem(atPath: file) }
      store = try fixture.open()
    default:
      store = try fixture.open()
      try flip(files[files.count / 2]) { $0 - 10 }
      store.verify { _ in true }
      try store.repair()
    }
    let next = store.nextOffset(of: 0) ?? 0
    #expect(next < 40)
    var counts = try #require(store.statistics(of: queue))
    #expect(counts.isBalanced && counts.expired <= 1 && counts.received <= UInt64(next), "\(counts)")
    // A reader who asks now is not sent past what comes.
    let page = store.page(of: queue, after: nil, limit: 50)
    #expect(page.marker.offset(of: 0) < next)
    #expect(page.gaps.allSatisfy { $0.to < next })
    for offset in next..<41 {
      switch offset {
      case 20: try store.append([Draft(offset: 20, timeToLive: 1, padding: 50)])
      case 21, 40: try store.reject("p/q", offset: offset)
      default: try store.append([Draft(offset: offset, padding: 50)])
      }
    }
    counts = try #require(store.statistics(of: queue))
    #expect(counts.isBalanced && counts.received == 41 && counts.rejected == 2 && counts.live == 39, "\(counts)")
    let rest = store.page(of: queue, after: page.marker, limit: 50)
    #expect(page.actions.count + rest.actions.count == 39)
    #expect((page.gaps + rest.gaps).allSatisfy { $0.reason == .rejected })
    let whole = store.page(of: queue, after: nil, limit: 50)
    #expect(whole.gaps.map(\.count).reduce(0) { $0 + ($1 ?? 100) } == 2)
  }

  @Test("leaves what a reader already has as it was")
  func readers() throws {
    let store = try fixture.open()
    let actions = store.all(queue)
    // Of the fourth segment: what follows it is cut from files that are mapped.
    try flip(try segments()[3]) { $0 - 10 }
    store.verify { _ in true }
    // Pages had looked at all of it; it has changed since.
    #expect(store.isDamaged)
    try store.repair()
    #expect(Array(actions.map(\.text).prefix(3)) == (0..<3).map { Draft(offset: $0, padding: 50).body })
    #expect(actions.last?.text == Draft(offset: 19, padding: 50).body)
    try readAgain(store)
  }

  @Test("is looked for in pieces, and the search ends when it is told to")
  func pieces() throws {
    let store = try fixture.open()
    var pieces = 0
    store.verify { _ in
      pieces += 1
      return pieces < 3
    }
    #expect(pieces == 3)
    var bytes = 0
    store.verify { piece in
      bytes += piece
      return true
    }
    #expect(bytes > 0 && !store.isDamaged)
    // Everything was seen.
    store.verify { _ in
      Issue.record("something is read again")
      return false
    }
  }

  @Test("a segment that says it begins with batch 0 is opened like any other")
  func batchZero() throws {
    let empty = try StoreFixture()
    try FileManager.default.createDirectory(
      atPath: empty.directory.path + "/segments", withIntermediateDirectories: true)
    let header = SegmentHeader(
      number: 1, storeIdentity: StoreIdentity(high: 1, low: 2), lane: 0, createdMilliseconds: 0, firstBatch: 0,
      durableBatch: 0, standings: [:])
    try Data(header.encoded()).write(to: URL(fileURLWithPath: empty.directory.path + "/segments/000000000001.segment"))
    let store = try empty.open()
    try store.append([Draft(offset: 0)])
    #expect(store.positions(try .test("p/q")).count == 1)
  }
}
