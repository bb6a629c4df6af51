import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("Actions by the numbers of their sources")
struct NumberedActionsTests {
  private let key = SourceLogKey(project: "p", source: "/w", log: "1")

  struct Item {
    var number: Int64
    var log = "1"
    var queue = "p/q"
    var partition: Int32 = 0
    var offset: Int64
    var timeToLive: Int32 = 300
  }

  /// Stores a batch as ingest would.
  private func append(_ items: [Item], to store: ActionStore, numbered: Bool = true) throws {
    var intake = store.beginIntake()
    let verdicts = try items.map { item in
      intake.judge(
        try ActionOrigin(source: "/w", log: item.log, sequence: item.number), project: "p",
        contents: Array("\(item.number)".utf8).withUnsafeBytes { RecordContents(key: $0, value: $0) },
        partition: item.partition, offset: item.offset)
    }
    _ = try store.append { batch in
      var marks = intake.marks
      for (item, verdict) in zip(items, verdicts) {
        let mark = marks.take(partition: item.partition, offset: item.offset)
        let draft = Draft(
          queue: item.queue, partition: item.partition, offset: item.offset, timeToLive: item.timeToLive,
          event: "E\(item.log)-\(item.number)")
        guard verdict == .new else {
          Array(item.queue.utf8).withUnsafeBytes {
            batch.skipDuplicate(partition: item.partition, offset: item.offset, key: $0)
          }
          continue
        }
        draft.add(to: batch)
        if let mark, numbered {
          batch.number(mark, keyBytes: item.queue.utf8.count, timeToLiveSeconds: item.timeToLive)
        }
      }
      batch.receive(intake)
    }
  }

  /// Follows pages to the end.
  private func all(
    _ store: ActionStore, _ key: SourceLogKey, _ ranges: SequenceRanges = .full, limit: Int = 7, bytesMax: Int = 1 << 20
  ) throws -> [NumberedAction] {
    var actions: [NumberedAction] = []
    var after: Int64 = 0
    while true {
      let page = try store.numberedActions(key, in: ranges, after: after, limit: limit, bytesMax: bytesMax)
      #expect(page.actions.count <= limit)
      actions += page.actions
      if page.isLast { return actions }
      try #require(page.reached > after)
      after = page.reached
    }
  }

  private static var seed: UInt64 {
    ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
  }

  @Test("agrees with a plain table of what was stored, over kills, expiry and sealed segments")
  func model() throws {
    let seed = Self.seed
    var random = SeededGenerator(seed: seed)
    let fixture = try StoreFixture(segmentBytesMax: 6_000)
    var store = try fixture.open()
    var live: [String: [Int64: (item: Item, expires: Int64)]] = ["1": [:], "2": [:]]
    var offsets: [Int32: Int64] = [:]
    var received: [String: Set<Int64>] = ["1": [], "2": []]
    for round in 0..<120 {
      var items: [Item] = []
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let log = Bool.random(using: &random) ? "1" : "2"
        let partition = Int32.random(in: 0...2, using: &random)
        let item = Item(
          number: Int64.random(in: 1...Int64(20 + round * 4), using: &random), log: log,
          queue: "p/q\(Int.random(in: 0...3, using: &random))", partition: partition,
          offset: offsets[partition, default: 0],
          timeToLive: [60, 300, 700, 3_600].randomElement(using: &random) ?? 60)
        offsets[partition, default: 0] += 1
        items.append(item)
        if received[log]?.insert(item.number).inserted == true {
          live[log]?[item.number] = (item, fixture.clock.nowMilliseconds() + Int64(item.timeToLive) * 1_000)
        }
      }
      try append(items, to: store)
      fixture.clock.advance(seconds: Int64.random(in: 0...40, using: &random))
      switch Int.random(in: 0...9, using: &random) {
      case 0...3: try store.maintain()
      case 4:
        store.abandon()
        store = try fixture.open()
      case 5:
        try store.close()
        store = try fixture.open()
      default: break
      }
      let now = fixture.clock.nowMilliseconds()
      for log in ["1", "2"] {
        var ranges = SequenceRanges()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let first = Int64.random(in: 1...400, using: &random)
          ranges.insert(first...(first + Int64.random(in: 0...100, using: &random)))
        }
        if Int.random(in: 0...3, using: &random) == 0 { ranges = .full }
        let expected = (live[log] ?? [:]).filter { ranges.contains($0.key) && $0.value.expires > now }.keys.sorted()
        let found = try all(
          store, SourceLogKey(project: "p", source: "/w", log: log), ranges,
          limit: Int.random(in: 1...30, using: &random), bytesMax: Int.random(in: 1...3_000, using: &random))
        try #require(found.map(\.sequence) == expected, "TEST_SEED=\(seed), round \(round), log \(log)")
        for action in found {
          let item = try #require(live[log]?[action.sequence]?.item)
          #expect(action.queue.key == item.queue && action.action.timeToLiveSeconds == item.timeToLive)
          #expect(action.action.position == ActionPosition(partition: item.partition, offset: item.offset))
          #expect(action.action.text.contains("\"E\(log)-\(item.number)\""), "TEST_SEED=\(seed)")
        }
      }
    }
    #expect(try all(store, SourceLogKey(project: "p", source: "/other", log: "1")).isEmpty)
    #expect(try all(store, SourceLogKey(project: "other", source: "/w", log: "1")).isEmpty)
  }

  @Test("what version 3 of the directory stored opens, and is received from here on only by what comes")
  func versionBefore() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try append((1...5).map { Item(number: $0, offset: $0) }, to: store, numbered: false)
    try store.close()
    try Data("3\n".utf8).write(to: URL(fileURLWithPath: fixture.directory.path + "/VERSION"))
    store = try fixture.open()
    #expect(store.sourceLog(key)?.received.description == "1-5")
    #expect(try all(store, key).isEmpty)
    try append([Item(number: 6, offset: 6)], to: store)
    #expect(try all(store, key).map(\.sequence) == [6])
    let version = try String(contentsOfFile: fixture.directory.path + "/VERSION", encoding: .utf8)
    #expect(version == "\(ActionStore.directoryVersion)\n")
  }

  @Test("a damaged piece is found before anything of it is given, and what stays is there after the repair")
  func damaged() throws {
    let fixture = try StoreFixture(segmentBytesMax: 2_000)
    var store = try fixture.open()
    for number in Int64(1)...40 { try append([Item(number: number, offset: number - 1)], to: store) }
    try store.maintain()
    store.abandon()
    let segments = try fixture.directory.files(withSuffix: ".segment")
    let path = segments[segments.count / 2]
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count / 2] ^= 0xFF
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    store = try fixture.open()
    #expect(throws: StoreError.self) { try all(store, key) }
    try store.repair()
    let next = try #require(store.nextOffset(of: 0))
    let left = try all(store, key).map(\.sequence)
    #expect(left == Array(1...next) && next < 40)
    for number in (next + 1)...40 { try append([Item(number: number, offset: number - 1)], to: store) }
    #expect(try all(store, key).map(\.sequence) == Array(1...40))
  }

  @Test("ranges of a million million numbers, and far numbers, cost what is there")
  func large() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let numbers: [Int64] = [1, 5, 1 << 40, .max - 1, .max]
    try append(numbers.enumerated().map { Item(number: $1, offset: Int64($0)) }, to: store)
    #expect(try all(store, key, .full, limit: 2).map(\.sequence) == numbers)
    #expect(try all(store, key, SequenceRanges("2-1000000000000")).map(\.sequence) == [5])
    #expect(try all(store, key, SequenceRanges(Int64.max...Int64.max)).map(\.sequence) == [.max])
    #expect(try store.numberedActions(key, in: .full, after: .max, limit: 1).isLast)
    var many = SequenceRanges()
    for number in Int64(1)...10_000 { many.insert(number * 5) }
    #expect(try all(store, key, many).map(\.sequence) == [5])
  }

  @Test("over what their queue keeps are left out")
  func overRetention() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try append((1...9).map { Item(number: $0, queue: $0 % 3 == 0 ? "p/r" : "p/q", offset: $0) }, to: store)
    store.retain([try .test("p/q"): .init(count: 2)])
    #expect(try all(store, key).map(\.sequence) == [3, 6, 7, 8, 9])
  }

  @Test("a purge point only rises, outlives the process, and hides what is below")
  func purgePoint() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try append([1, 2, 5, 9].enumerated().map { Item(number: $1, offset: Int64($0)) }, to: store)
    #expect(store.purgePoint(of: key) == 1)
    #expect(try store.raisePurgePoint(of: key, to: 5) == 5)
    #expect(try store.raisePurgePoint(of: key, to: 3) == 5)
    store.abandon()
    store = try fixture.open()
    #expect(store.purgePoint(of: key) == 5)
    #expect(try all(store, key).map(\.sequence) == [5, 9])
    let log = try #require(store.sourceLog(key))
    #expect(log.gaps(from: 5).map(\.numbers) == [6...8])
    #expect(log.gaps(from: 7).map(\.numbers) == [7...8] && log.gaps(from: 100).isEmpty && log.gaps(from: 1).count == 2)
    #expect(store.purgePoint(of: SourceLogKey(project: "p", source: "/w", log: "2")) == 1)
  }

  @Test("without a catalog the numbers of what is stored count as received, though their batch's account has gone")
  func lostCatalog() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try append([1, 3].enumerated().map { Item(number: $1, offset: Int64($0), timeToLive: 900) }, to: store)
    // The account lies in the lane of the shortest lives, and goes with it.
    for _ in 0..<2 {
      fixture.clock.advance(seconds: 200)
      try store.maintain()
    }
    try append([Item(number: 1, log: "2", offset: 2, timeToLive: 900)], to: store)
    try store.close()
    for suffix in ["", "-wal", "-shm"] {
      try? FileSystem().unlink(fixture.directory.path + "/catalog.sqlite" + suffix)
    }
    store = try fixture.open()
    let log = try #require(store.sourceLog(key))
    #expect(log.received == (try SequenceRanges("1,3")))
    #expect(log.gaps.map(\.numbers) == [2...2])
  }
}
