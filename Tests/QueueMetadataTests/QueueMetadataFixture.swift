import AuditActions
import Kafka
import Logging
import Synchronization
import Testing

@testable import QueueMetadata

/// A broker with the topic of queue metadata.
struct QueueMetadataFixture {
  let broker: EmbeddedBroker
  let producer: KafkaProducer
  var configuration: QueueMetadataConfiguration
  let logger: Logger

  init(partitions: Int32 = 1, default policy: AuditDefault = .declared) throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    self.logger = logger
    broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic(QueueMetadataConfiguration.defaultTopic, partitions: partitions)
    producer = try KafkaProducer(configuration: broker.configuration, logger: logger)
    configuration = QueueMetadataConfiguration(kafka: broker.configuration, auditDefault: policy)
    configuration.retryMilliseconds = 20
    configuration.partitionRefreshMilliseconds = 100
  }

  func reader(
    onChange: @escaping QueueMetadataReader.OnChange = { _, _ in }, onCaughtUp: @escaping @Sendable () -> Void = {}
  ) throws -> QueueMetadataReader {
    try QueueMetadataReader(
      configuration: configuration, onChange: onChange, onCaughtUp: onCaughtUp, logger: logger)
  }

  @discardableResult
  func send(_ value: String?, key: String?, partition: Int32? = nil) async throws -> RecordPosition {
    try await producer.sendAcknowledged(
      topic: configuration.topic, partition: partition, key: key.map { Array($0.utf8) },
      value: value.map { Array($0.utf8) })
  }

  func end() async {
    await producer.close(flushTimeout: .seconds(1))
    await broker.close()
  }
}

/// Waits until `condition` holds; fails the test after a minute, which no machine is too slow for.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("waited in vain: \(what)")
      return
    }
    try await Task.sleep(for: .milliseconds(5))
  }
}

extension QueueEntry {
  var text: String { String(decoding: document.bytes, as: UTF8.self) }
}
