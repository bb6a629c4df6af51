import Kafka
import Logging
import Metrics
import Synchronization
import Testing

/// How long a test waits for what must happen at last; only a failing test takes that long.
let patience: Duration = .seconds(60)

/// A record as another client sees it.
struct ReadRecord: Sendable, Equatable {
  let partition: Int32
  let offset: Int64
  let key: String
  let value: [UInt8]
  let headers: [String: String]
}

/// Reads a topic from its beginning, with a consumer of its own, until `count` records are there.
func readTopic(
  _ topic: String, partitions: Int32, count: Int, from configuration: KafkaConfiguration
) async throws -> [ReadRecord] {
  let consumer = try KafkaConsumer(configuration: configuration)
  var starts: [TopicPartition: Start] = [:]
  for partition in 0..<partitions { starts[TopicPartition(topic: topic, partition: partition)] = .beginning }
  try consumer.assign(starts)
  let records = try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
    var records: [ReadRecord] = []
    let deadline = ContinuousClock.now + patience
    while records.count < count, ContinuousClock.now < deadline {
      for record in try consumer.poll(maxRecords: 10_000, timeout: .milliseconds(200)).records {
        var headers: [String: String] = [:]
        for header in record.headers() { headers[header.key] = String(decoding: header.value ?? [], as: UTF8.self) }
        records.append(
          ReadRecord(
            partition: record.partition, offset: record.offset,
            key: String(decoding: record.key.map(Array.init) ?? [], as: UTF8.self),
            value: record.value.map(Array.init) ?? [], headers: headers))
      }
    }
    return records
  }
  await consumer.close()
  return records
}

/// Counted from several tasks.
final class Tally: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.add(1, ordering: .relaxed) }
}

/// Looks again and again, without holding a thread, until `condition` holds or a failing test has waited long enough.
func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
  let deadline = ContinuousClock.now + patience
  while !condition() {
    guard ContinuousClock.now < deadline else { return false }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return true
}

/// Keeps what is logged, for tests to look at.
struct LogKeeper: LogHandler {
  final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
  }

  let lines: Lines
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .warning

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    lines.append("\(event.message) \(event.metadata ?? [:])")
  }

  static func logger() -> (Logger, Lines) {
    let lines = Lines()
    return (Logger(label: "test") { _ in LogKeeper(lines: lines) }, lines)
  }
}

let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
