import AuditActions
import Testing

@testable import ActionStore

@Suite("What a queue's readers are told is missing")
struct MissingNumbersTests {
  private let q = "q"

  private func origin(_ number: Int64, _ source: String, _ log: String) throws -> ActionOrigin {
    try Array(source.utf8).withUnsafeBytes { source in
      try Array(log.utf8).withUnsafeBytes { log in
        try Array(String(number).utf8).withUnsafeBytes {
          try ActionOrigin(source: source, log: log, sequence: $0)
        }
      }
    }
  }

  /// Stores numbers as ingest would, in one batch.
  private func append(
    _ numbers: [Int64], queue: String?, source: String = "/w", log: String = "1",
    to store: ActionStore
  ) throws {
    var intake = store.beginIntake()
    let offset = store.nextOffset(of: 0) ?? 0
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    for number in numbers {
      _ = intake.judge(
        try origin(number, source, log), project: "p", queue: queue,
        contents: RecordContents(key: empty, value: empty), partition: 0, offset: offset)
    }
    _ = try store.append { batch in
      batch.receive(intake)
      batch.advance(partition: 0, to: offset + 1)
    }
  }

  private func told(_ store: ActionStore, _ queue: String = "q") throws -> MissingNumbers? {
    store.missingNumbers(of: QueueReference(try .test("p/\(queue)")))
  }

  @Test("after the grace, with since when; what comes is taken back at once")
  func grace() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try append([1, 2, 5], queue: q, to: store)
    let since = fixture.clock.nowMilliseconds()
    fixture.clock.advance(milliseconds: MissingIndex.graceMilliseconds - 1)
    try append([9], queue: q, to: store)
    try store.maintain()
    #expect(try told(store) == nil)
    fixture.clock.advance(milliseconds: 1)
    try store.maintain()
    let key = SourceLogKey(project: "p", source: "/w", log: "1")
    let first = MissingNumbers.Log(
      key: key, count: 2, ranges: SequenceRanges(3...4), sinceMilliseconds: since)
    #expect(try told(store) == MissingNumbers(logs: [first], count: 2))
    #expect(try told(store, "other") == nil)
    try append([3], queue: q, to: store)
    #expect(try told(store)?.count == 1 && told(store)?.logs.first?.ranges.description == "4")
    fixture.clock.advance(seconds: 20)
    try store.maintain()
    #expect(try told(store)?.logs.first?.ranges.description == "4,6-8")
    try append([4, 6, 7, 8], queue: q, to: store)
    #expect(try told(store) == nil)
    try append([10], queue: q, to: store)
    try store.maintain()
    #expect(try told(store) == nil)
  }

  @Test(
    "nothing is told of a log whose actions came for several queues, or before it was looked at")
  func soleQueue() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try append([1, 3], queue: q, log: "sole", to: store)
    try append([1, 3], queue: q, log: "two", to: store)
    try append([5], queue: "other", log: "two", to: store)
    try append([1, 3], queue: nil, log: "unknown", to: store)
    fixture.clock.advance(seconds: 60)
    try store.maintain()
    #expect(try told(store)?.logs.map(\.key.log) == ["sole"])
    #expect(try told(store, "other") == nil)
    // The one that was missing was for another queue.
    try append([2], queue: "other", log: "sole", to: store)
    try append([9], queue: q, log: "sole", to: store)
    fixture.clock.advance(seconds: 60)
    try store.maintain()
    #expect(try told(store) == nil && told(store, "other") == nil)
  }

  @Test("a bounded number of logs and ranges is named, and all are counted")
  func bounds() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    for log in 0..<30 {
      try append((1...50).map { $0 * 2 }, queue: q, log: "\(log + 100)", to: store)
    }
    try append([1, .max], queue: q, log: "far", to: store)
    fixture.clock.advance(seconds: 60)
    try store.maintain()
    let missing = try #require(try told(store))
    #expect(missing.logs.count == MissingNumbers.logsMax && missing.logs.first?.key.log == "100")
    #expect(
      missing.logs.allSatisfy { $0.count == 50 && $0.ranges.count == MissingNumbers.rangesMax })
    #expect(missing.logs.first?.ranges.description.hasPrefix("1,3,5,") == true)
    // 1,500 and 2^63 - 3 are more than can be said.
    #expect(missing.count == .max)
  }

  @Test("what is known of a log's queue survives kills between and after checkpoints")
  func recovers() throws {
    let fixture = try StoreFixture(segmentBytesMax: 2_000)
    for (round, isCheckpointed) in [false, true, false, true].enumerated() {
      var store = try fixture.open()
      try append([Int64(round * 2 + 2)], queue: q, log: "sole", to: store)
      try append([Int64(round * 2 + 2)], queue: round == 0 ? "other" : q, log: "two", to: store)
      fixture.clock.advance(seconds: 60)
      if isCheckpointed { try store.maintain() }
      if round == 3 { try store.close() } else { store.abandon() }
      store = try fixture.open()
      try store.maintain()
      let missing = try #require(try told(store))
      #expect(
        missing.logs.map(\.key.log) == ["sole"] && missing.count == Int64(round + 1),
        "round \(round)")
      #expect(try told(store, "other")?.logs.map(\.key.log) == (round == 0 ? ["two"] : nil), "round \(round)")
      store.abandon()
    }
  }

  @Test(
    "a record of a frame is divided from its queue; of a version before the queue is not known",
    arguments: [
      ("q", LogQueue.sole("q")), ("*", .several), ("", .several), ("a b", .several),
      ("..", .several), (nil, .several),
    ] as [(String?, LogQueue)])
  func frames(name: String?, queue: LogQueue) throws {
    // Ten bytes of a source: a length that looks like a line end.
    let key = SourceLogKey(project: "p", source: "/workers/7", log: "1")
    let numbers = SequenceRanges(4...8)
    let bytes = SourceRecord.encode(key, numbers) + (name.map { [0x0A] + Array($0.utf8) } ?? [])
    bytes.withUnsafeBytes { bytes in
      let (record, found) = LogQueue.split(bytes)
      #expect(found == queue)
      let decoded = Array("p".utf8).withUnsafeBytes { SourceRecord.decode(project: $0, record) }
      #expect(decoded?.key == key && decoded?.numbers == numbers)
    }
    #expect(LogQueue.sole("q").suffix == [0x0A, 0x71] && LogQueue.several.suffix == [0x0A, 0x2A])
  }
}
