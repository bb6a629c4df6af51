import AuditActions
import Foundation
import Logging
import Synchronization
import Testing

@testable import ActionStore

/// Keeps what is logged from warnings on.
private struct KeptLines: LogHandler {
  final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    func take() -> [String] {
      lines.withLock { lines in
        defer { lines = [] }
        return lines
      }
    }
  }

  let lines: Lines
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .warning

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { lines.append("\(event.message)") }
}

@Suite("After a crash")
struct RecoveryTests {
  let fixture: StoreFixture
  let queue: QueueAddress

  init() throws {
    fixture = try StoreFixture()
    queue = try .test("p/q")
  }

  /// Leaves the directory as a killed process would: nothing is synced, sealed or closed in order.
  private func abandon(_ fill: (ActionStore) throws -> Void) throws {
    let store = try fixture.open()
    try fill(store)
    store.abandon()
  }

  @Test("nothing is lost and nothing stands twice")
  func kill() throws {
    for round in 0..<5 {
      try abandon { store in
        #expect(store.nextOffset(of: 0) == (round == 0 ? nil : Int64(round) * 10))
        for offset in 0..<10 { try store.append([Draft(offset: Int64(round * 10 + offset))]) }
        if round % 2 == 0 { try store.maintain() }
      }
    }
    let store = try fixture.open()
    #expect(store.positions(queue).map(\.offset) == Array(0..<50))
    #expect(store.statistics(of: queue)?.received == 50)
  }

  @Test("a frame torn at any byte costs exactly its batch, and the offset follows")
  func torn() throws {
    try abandon { store in
      try store.append([Draft(offset: 0), Draft(offset: 1)])
      try store.append([Draft(offset: 2)])
    }
    let file = try #require(try fixture.directory.files(withSuffix: ".segment").first)
    let whole = try Data(contentsOf: URL(fileURLWithPath: file))
    let lastFrame =
      FrameHeader.fixedBytes + FrameHeader.coverageBytes + FrameRecord.fixedBytes + 3 + Draft(offset: 2).body.utf8.count
    for length in (whole.count - lastFrame)..<whole.count {
      try FileManager.default.removeItem(atPath: fixture.directory.path + "/segments")
      try? FileManager.default.removeItem(atPath: fixture.directory.path + "/catalog.sqlite")
      try FileManager.default.createDirectory(
        atPath: fixture.directory.path + "/segments", withIntermediateDirectories: true)
      try whole.prefix(length).write(to: URL(fileURLWithPath: file))
      let store = try fixture.open()
      #expect(store.nextOffset(of: 0) == 2, "cut at \(length)")
      #expect(store.positions(queue).map(\.offset) == [0, 1])
      try store.append([Draft(offset: 2)])
      #expect(store.positions(queue).map(\.offset) == [0, 1, 2])
      try store.close()
    }
  }

  @Test("a batch of several lanes counts only when it is whole in all of them")
  func lanes() throws {
    try abandon { store in
      try store.append([Draft(offset: 0, timeToLive: 60), Draft(offset: 1, timeToLive: 86_400)])
      try store.append([Draft(offset: 2, timeToLive: 60), Draft(offset: 3, timeToLive: 86_400)])
      try store.append([Draft(offset: 4, timeToLive: 60)])
    }
    let files = try fixture.directory.files(withSuffix: ".segment")
    #expect(files.count == 2)
    let long = try FileHandle(forUpdating: URL(fileURLWithPath: files[1]))
    try long.truncate(atOffset: try long.seekToEnd() - 1)
    let store = try fixture.open()
    #expect(store.nextOffset(of: 0) == 2)
    #expect(store.positions(queue).map(\.offset) == [0, 1])
  }

  @Test("a bit changed anywhere in a segment never serves a wrong byte", arguments: 0..<40)
  func damage(round: Int) throws {
    var random = SeededGenerator(seed: UInt64(round))
    try abandon { store in
      for offset in 0..<20 { try store.append([Draft(offset: Int64(offset))]) }
      if round % 2 == 0 { try store.maintain() }
    }
    let file = try #require(try fixture.directory.files(withSuffix: ".segment").first)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    try bytes.write(to: URL(fileURLWithPath: file))
    let store: ActionStore
    do { store = try fixture.open() } catch let error as StoreError where error.code == .newerVersion { return }
    let next = store.nextOffset(of: 0) ?? 0
    #expect(store.positions(queue).map(\.offset) == Array(0..<next))
    try store.append((next..<20).map { Draft(offset: $0) })
    #expect(store.all(queue).map(\.text) == (0..<20).map { Draft(offset: $0).body })
  }

  private func damagedFolders() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path).filter { $0.contains(".damaged-") }
  }

  @Test("damage of what was on disk is set aside and comes again from the topic", arguments: ["flip", "cut", "remove"])
  func damagedSegment(kind: String) throws {
    try abandon { store in
      for offset in 0..<20 { try store.append([Draft(offset: Int64(offset), padding: 50)]) }
      try store.maintain()
    }
    let file = try #require(try fixture.directory.files(withSuffix: ".segment").last)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    switch kind {
    case "flip": bytes[bytes.count / 2] ^= 0x10
    case "cut": bytes.removeLast(bytes.count / 3)
    default: try FileManager.default.removeItem(atPath: file)
    }
    if kind != "remove" { try bytes.write(to: URL(fileURLWithPath: file)) }
    var store = try fixture.open()
    #expect(try damagedFolders().count == (kind == "remove" ? 0 : 1))
    let next = store.nextOffset(of: 0) ?? 0
    #expect(next < 20)
    try store.append((next..<20).map { Draft(offset: $0, padding: 50) })
    #expect(store.positions(queue).map(\.offset) == Array(0..<20))
    #expect(store.balance().unbalancedQueues == 0)
    try store.maintain()
    store.abandon()
    // Noticed once.
    store = try fixture.open()
    #expect(store.positions(queue).map(\.offset) == Array(0..<20))
    #expect(try damagedFolders().count == (kind == "remove" ? 0 : 1))
  }

  @Test("a missing or damaged index file is built anew", arguments: [true, false])
  func index(isMissing: Bool) throws {
    var store = try fixture.open()
    try store.append((0..<20).map { Draft(offset: $0) })
    try store.close()
    store = try fixture.open()
    try store.close()
    let file = try #require(try fixture.directory.files(withSuffix: ".index").first)
    if isMissing {
      try FileManager.default.removeItem(atPath: file)
    } else {
      var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      bytes[bytes.count / 2] ^= 0xFF
      try bytes.write(to: URL(fileURLWithPath: file))
    }
    store = try fixture.open()
    // A list that is damaged is found when it is read, or before.
    store.verify { _ in true }
    #expect(store.isDamaged == !isMissing)
    try store.repair()
    #expect(store.positions(queue).map(\.offset) == Array(0..<20))
    #expect(try damagedFolders().isEmpty)
  }

  @Test("a lost or damaged catalog is folded from the log again", arguments: [true, false])
  func catalog(isMissing: Bool) throws {
    var store = try fixture.open()
    try store.append((0..<20).map { Draft(offset: $0) })
    try store.close()
    let file = fixture.directory.path + "/catalog.sqlite"
    if isMissing {
      try FileManager.default.removeItem(atPath: file)
    } else {
      try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: file))
    }
    store = try fixture.open()
    #expect(store.positions(queue).map(\.offset) == Array(0..<20))
    #expect(store.statistics(of: queue)?.received == 20)
    #expect(store.queues(of: "p", after: nil, limit: 10) == ["q"])
  }

  @Test("an idle partition keeps its place when everything has expired")
  func idle() throws {
    var store = try fixture.open()
    try store.append([Draft(partition: 3, offset: 41), Draft(partition: 5, offset: 7)])
    for _ in 0..<3 {
      fixture.clock.advance(seconds: 400)
      try store.maintain()
      store.abandon()
      store = try fixture.open()
      #expect(store.nextOffset(of: 3) == 42)
      #expect(store.nextOffset(of: 5) == 8)
      #expect(store.statistics(of: queue)?.received == 2)
    }
    #expect(try fixture.directory.files(withSuffix: ".segment").count == 1)
  }

  @Test("segments whose actions have expired are unlinked, the others stay")
  func unlink() throws {
    let store = try fixture.open()
    for step in 0..<20 {
      try store.append([
        Draft(offset: Int64(step * 2), timeToLive: 60), Draft(offset: Int64(step * 2 + 1), timeToLive: 3_600),
      ])
      fixture.clock.advance(seconds: 40)
      try store.maintain()
    }
    let expected: [Int64] = (0..<40).filter { $0 % 2 == 1 || $0 >= 38 }
    #expect(store.positions(queue).map(\.offset) == expected)
    #expect(try fixture.directory.files(withSuffix: ".segment").count < 10)
  }
}

@Suite("A data directory")
struct DataDirectoryTests {
  @Test("has one process at a time")
  func lock() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect { try fixture.open() } throws: { ($0 as? StoreError)?.code == .inUse }
    try store.close()
    try fixture.open().close()
  }

  @Test("that has lost its version or its sealing key says what that means; a new one says nothing")
  func lostFiles() throws {
    let fixture = try StoreFixture()
    let lines = KeptLines.Lines()
    let logger = Logger(label: "test") { _ in KeptLines(lines: lines) }
    func open() throws -> ActionStore {
      try ActionStore(configuration: fixture.configuration, clock: fixture.clock, logger: logger)
    }
    var store = try open()
    try store.append([Draft(offset: 0)])
    try store.close()
    #expect(lines.take() == [])
    for (name, told) in [("VERSION", "has no VERSION"), ("sealing.key", "has no sealing.key")] {
      try FileManager.default.removeItem(atPath: fixture.directory.path + "/" + name)
      store = try open()
      #expect(store.positions(try .test("p/q")).count == 1)
      try store.close()
      let said = lines.take()
      #expect(said.count == 1 && said[0].contains(told))
      try open().close()
      #expect(lines.take() == [])
    }
  }

  @Test("of a newer version is refused politely")
  func newer() throws {
    let fixture = try StoreFixture()
    try fixture.open().close()
    try Data("99\n".utf8).write(to: URL(fileURLWithPath: fixture.directory.path + "/VERSION"))
    #expect { try fixture.open() } throws: { ($0 as? StoreError)?.code == .newerVersion }
  }

  @Test("with a segment of a newer version is refused politely")
  func newerSegment() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append([Draft(offset: 0)])
    store.abandon()
    let file = try #require(try fixture.directory.files(withSuffix: ".segment").first)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[8] = 99
    try bytes.write(to: URL(fileURLWithPath: file))
    #expect { try fixture.open() } throws: { ($0 as? StoreError)?.code == .newerVersion }
  }

  @Test("of another topic is refused")
  func topic() throws {
    var fixture = try StoreFixture()
    try fixture.open().close()
    fixture.configuration.topic = "other"
    #expect { try fixture.open() } throws: { ($0 as? StoreError)?.code == .otherTopic }
  }

  @Test("that cannot be made is named with the reason")
  func unusable() throws {
    var fixture = try StoreFixture()
    fixture.configuration.directory = "/proc/nothing"
    #expect { try fixture.open() } throws: { ($0 as? StoreError)?.code == .directoryUnusable }
  }

  @Test("refuses use after it was closed")
  func closed() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.close()
    try store.close()
    #expect { try store.append([Draft(offset: 0)]) } throws: { ($0 as? StoreError)?.code == .closed }
  }
}

@Suite("The last record of a partition")
struct StandingTests {
  let fixture: StoreFixture

  init() throws { fixture = try StoreFixture() }

  private func fingerprint(_ offset: Int64) -> RecordFingerprint {
    RecordFingerprint(offset: offset, timestampMilliseconds: 5, key: nil, value: nil)
  }

  private func append(_ offsets: ClosedRange<Int64>, to store: ActionStore) throws {
    _ = try store.append { writer in
      for offset in offsets { Draft(offset: offset).add(to: writer) }
      writer.remember(fingerprint(offsets.upperBound), at: offsets.upperBound, of: 0)
    }
  }

  @Test("is known after a crash, a restart, and when everything has expired")
  func kept() throws {
    var store = try fixture.open()
    try append(0...4, to: store)
    for restart in ["killed", "checkpointed and killed", "closed", "expired", "expired and killed"] {
      switch restart {
      case "killed": store.abandon()
      case "closed": try store.close()
      default:
        if restart.hasPrefix("expired") { fixture.clock.advance(seconds: 400) }
        for _ in 0..<3 { try store.maintain() }
        store.abandon()
      }
      store = try fixture.open()
      #expect(store.standings[0] == Standing(next: 5, lastRecord: fingerprint(4)), "\(restart)")
    }
  }

  @Test("stays when the offset moves on without a record, and is forgotten with a hole")
  func withoutRecords() throws {
    let store = try fixture.open()
    try append(0...4, to: store)
    _ = try store.append { writer in writer.advance(partition: 0, to: 7) }
    #expect(store.standings[0] == Standing(next: 7, lastRecord: fingerprint(4)))
    _ = try store.append { writer in writer.recordHole(partition: 0, to: 9, reason: .topicRetention) }
    #expect(store.standings[0] == Standing(next: 9, lastRecord: .unknown))
  }

  @Test("is not that of a record stored before")
  func duplicate() throws {
    let store = try fixture.open()
    try append(0...4, to: store)
    _ = try store.append { writer in
      Draft(offset: 2).add(to: writer)
      writer.remember(fingerprint(2), at: 2, of: 0)
    }
    #expect(store.standings[0] == Standing(next: 5, lastRecord: fingerprint(4)))
  }

  @Test("differs with offset, time, key and value")
  func fingerprints() {
    let bytes: [UInt8] = [1, 2, 3]
    bytes.withUnsafeBytes { bytes in
      let all = [
        RecordFingerprint(offset: 1, timestampMilliseconds: 1, key: nil, value: bytes),
        RecordFingerprint(offset: 2, timestampMilliseconds: 1, key: nil, value: bytes),
        RecordFingerprint(offset: 1, timestampMilliseconds: 2, key: nil, value: bytes),
        RecordFingerprint(offset: 1, timestampMilliseconds: nil, key: nil, value: bytes),
        RecordFingerprint(offset: 1, timestampMilliseconds: 1, key: bytes, value: bytes),
        RecordFingerprint(offset: 1, timestampMilliseconds: 1, key: nil, value: nil),
      ]
      #expect(Set(all.map(\.value)).count == all.count)
    }
  }
}
