import ActionIngest
import ActionStore
import AuditActions
import Foundation
import Kafka
import Synchronization

/// Records through a broker and through ingest as a node runs it: what keeps the contract is stored byte for byte,
/// everything else is counted, and nothing stops the rest.
final class TopicTarget: FuzzTarget {
  static let name = "topic"
  static let share = 6_000_000
  static let inputsPerRun = 500

  private let broker: EmbeddedBroker
  private let producer: KafkaProducer
  private let store: ActionStore
  private let ingest: ActionIngest
  private let task: Task<Void, any Error>
  private var next: Int64 = 0
  private var rejected: UInt64 = 0

  init(seed: UInt64) throws {
    broker = try EmbeddedBroker(logger: FeedWorld.quiet)
    try broker.createTopic("audit.actions", partitions: 1)
    try broker.createTopic("audit.actions.dlq", partitions: 1)
    producer = try KafkaProducer(configuration: broker.configuration, logger: FeedWorld.quiet)
    var configuration = StoreConfiguration(directory: Scratch.path("topic"), topic: "audit.actions")
    configuration.sealingKey = Array(0..<32)
    store = try ActionStore(configuration: configuration, logger: FeedWorld.quiet)
    let ingest = ActionIngest(
      configuration: IngestConfiguration(kafka: broker.configuration, topic: "audit.actions"), store: store,
      logger: FeedWorld.quiet)
    self.ingest = ingest
    task = Task { try await ingest.run() }
  }

  func end() {
    task.cancel()
    let ended = DispatchSemaphore(value: 0)
    Task { [task, producer, broker] in
      _ = await task.result
      await producer.close(flushTimeout: .seconds(1))
      await broker.close()
      ended.signal()
    }
    ended.wait()
    try? store.close()
  }

  func run(_ random: inout SeededRandom) throws {
    let records = (0..<Self.inputsPerRun).map { _ in Self.record(&random) }
    for record in records {
      var headers: [KafkaHeader] = []
      if let text = record.timeToLive { headers.append(KafkaHeader(key: "ttl", value: text)) }
      if random.oneIn(4) { headers.append(KafkaHeader(key: "ce_id", value: random.oneIn(2) ? nil : [0xFF, 0x00])) }
      while true {
        do throws(KafkaError) {
          try producer.send(
            topic: "audit.actions", partition: 0, key: record.key, value: record.value, headers: headers)
          break
        } catch {
          guard error.isRetriable else { throw Finding("the producer refuses a record: \(error)", record.value ?? []) }
          usleep(1_000)
        }
      }
    }
    let first = next
    next += Int64(records.count)
    let deadline = monotonicNanoseconds() + 8_000_000_000
    while (store.nextOffset(of: 0) ?? 0) < next {
      guard monotonicNanoseconds() < deadline else {
        throw Finding("ingest stands at \(store.nextOffset(of: 0) ?? 0), not at \(next): \(ingest.status)", [])
      }
      usleep(500)
    }
    for (index, record) in records.enumerated() { try check(record, at: first + Int64(index)) }
    let counted = store.status().rejected.values.reduce(0, +)
    guard counted == rejected else { throw Finding("\(counted) records are counted as rejected, not \(rejected)", []) }
  }

  private func check(_ record: FuzzRecord, at offset: Int64) throws {
    let position = ActionPosition(partition: 0, offset: offset)
    guard record.isAction, let key = record.key else {
      rejected += 1
      return
    }
    let queue = try key.withUnsafeBytes { try QueueAddress(key: $0) }
    guard let stored = store.action(at: position, in: queue) else {
      throw Finding("an action that keeps the contract is not stored", record.value ?? [])
    }
    guard stored.body == record.value else {
      throw Finding("an action is not stored as it was sent", record.value ?? [])
    }
  }

  /// Nothing may expire while it is looked for.
  private static func record(_ random: inout SeededRandom) -> FuzzRecord {
    while true {
      var record = FuzzRecord(&random)
      guard (record.value?.count ?? 0) < 4_096 else { continue }
      if let text = record.timeToLive, let seconds = FuzzRecord.seconds(text), seconds < 300 {
        record.timeToLive = Array("300".utf8)
      }
      // An empty key is no key to some clients; the embedded broker tells the two apart or not by its version.
      if record.key?.isEmpty == true { record.key = nil }
      return record
    }
  }
}
