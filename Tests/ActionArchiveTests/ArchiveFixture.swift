import Foundation
import Kafka
import Logging
import ObjectStores
import Testing

@testable import ActionArchive

func readFile(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { [UInt8]($0) } }

/// A broker, a store in memory, and archive jobs between them.
struct ArchiveFixture {
  static let topic = "audit.actions"

  let broker: EmbeddedBroker
  let producer: KafkaProducer
  let store = MemoryStore()
  let folder: String
  let logger: Logger
  var configuration: ArchiveConfiguration

  init(partitions: Int32 = 1) throws {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["TEST_LOG"].flatMap { .init(rawValue: $0) } ?? .critical
    self.logger = logger
    broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic(Self.topic, partitions: partitions)
    producer = try KafkaProducer(configuration: broker.configuration, logger: logger)
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    configuration = ArchiveConfiguration(
      kafka: broker.configuration, layout: ArchiveLayout(topic: Self.topic), group: "archive", spool: folder)
    configuration.once = true
    configuration.retryMilliseconds = 10
    configuration.retryMillisecondsMax = 50
    configuration.tickMilliseconds = 50
    configuration.nowMilliseconds = { Self.time(5) }
  }

  static var nowMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
  static var second: PeriodLength { (try? PeriodLength(seconds: 1)) ?? .hour }

  /// Noon of a day, in milliseconds since 1970, and some.
  static func time(_ hours: Int64 = 0, minutes: Int64 = 0, milliseconds: Int64 = 0) -> Int64 {
    1_763_726_400_000 + (hours * 60 + minutes) * 60_000 + milliseconds
  }

  @discardableResult
  func send(
    _ value: String?, key: String? = "p/q", partition: Int32 = 0, headers: [KafkaHeader] = [],
    at time: Int64 = ArchiveFixture.time()
  ) async throws -> RecordPosition {
    try await producer.sendAcknowledged(
      topic: Self.topic, partition: partition, key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) },
      headers: headers, timestampMilliseconds: time)
  }

  /// Sends numbered actions, one a second from `first` on.
  func sendNumbered(_ numbers: Range<Int>, partition: Int32 = 0, from first: Int64 = ArchiveFixture.time()) async throws
  {
    let records = numbers.map { number in
      ProducerRecord(
        topic: Self.topic, partition: partition, key: Array("p/q\(number % 3)".utf8),
        value: Array("{\"event\":\"Numbered\",\"details\":{\"n\":\(number)}}".utf8),
        timestampMilliseconds: first + Int64(number) * 1_000)
    }
    for outcome in await producer.sendAcknowledged(records) { _ = try outcome.get() }
  }

  /// Runs `--once` to its end.
  @discardableResult
  func drain(into other: MemoryStore? = nil, _ change: (inout ArchiveConfiguration) -> Void = { _ in }) async throws
    -> ArchiveStatus
  {
    var configuration = configuration
    change(&configuration)
    // An archive that is empty begins where its group stands: each has a group of its own.
    configuration.group = Self.group(other ?? store)
    let archive = ActionArchive(configuration: configuration, store: other ?? store, logger: logger)
    try await archive.run()
    return archive.status
  }

  static func group(_ store: MemoryStore) -> String { "archive.\(store.id)" }

  func end() async {
    await producer.close(flushTimeout: .seconds(1))
    await broker.close()
    try? FileManager.default.removeItem(atPath: folder)
  }
}

extension MemoryStore {
  /// The keys under which the two have different things.
  func differences(from other: MemoryStore) -> [String] {
    let (ours, theirs) = (objects, other.objects)
    return Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }.sorted()
  }

  /// The lines of an object, unpacked.
  func lines(_ key: String) throws -> [String] {
    let name = try #require(ObjectName(key))
    let unpacker = try name.compression.decompressor()
    var content: [UInt8] = []
    try #require(objects[key]).withUnsafeBytes { bytes in
      try unpacker.decompress(bytes) { content += $0 }
    }
    #expect(unpacker.isComplete)
    #expect(content.last == UInt8(ascii: "\n"))
    return String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// All objects of lines, in the order of offsets.
  var lineKeys: [String] {
    keys.compactMap { key in ObjectName(key).map { ($0, key) } }
      .sorted { ($0.0.partition, $0.0.first, $0.1) < ($1.0.partition, $1.0.first, $1.1) }.map(\.1)
  }

  var manifests: [Manifest] {
    get throws {
      try keys.compactMap { key -> Manifest? in
        guard case .manifest? = ArchiveKey(key), let bytes = objects[key] else { return nil }
        return try Manifest(bytes: bytes)
      }
    }
  }
}

/// Waits until `condition` holds; fails the test after a minute, which no machine is too slow for.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(Int(ProcessInfo.processInfo.environment["TEST_WAIT"] ?? "60") ?? 60)
  while try !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("waited in vain: \(what)")
      return
    }
    try await Task.sleep(for: .milliseconds(5))
  }
}
