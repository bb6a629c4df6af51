import AuditActions
import Kafka
import Logging
import QueueMetadata

/// Has a gate know what the metadata of queues says: follows the topic it is kept in.
///
/// While Kafka is away what was read last holds; before the topic was read to its end, every queue is audited.
final class QueueFollowing: Sendable {
  private let reader: QueueMetadataReader

  /// - Throws: `kafka` when librdkafka refuses the configuration.
  init(
    _ topic: String, of configuration: ActionEmitterConfiguration, gate: EventGate, logger: Logger
  ) throws(EmitError) {
    var kafka = configuration.kafka
    // A consumer only warns of these, but it warns whoever runs the worker.
    for property in kafka.properties.keys where Self.ofProducers.contains(property) {
      kafka.properties[property] = nil
    }
    gate.setDefault(configuration.queueDefault)
    do throws(KafkaError) {
      reader = try QueueMetadataReader(
        configuration: QueueMetadataConfiguration(
          kafka: kafka, topic: topic, auditDefault: configuration.queueDefault),
        onChange: { gate.setQueue($1?.audit, of: $0) }, onCaughtUp: { gate.setKnowsQueues(true) }, logger: logger)
    } catch {
      throw EmitError(refusal: error)
    }
  }

  func start() { reader.start() }

  func close() async { await reader.close() }

  /// Lets go without waiting.
  func abandon() { Task { [reader] in await reader.close() } }

  /// librdkafka's properties of producers alone (CONFIGURATION.md, column C/P).
  private static let ofProducers: Set<String> = [
    "acks", "request.required.acks", "request.timeout.ms", "message.timeout.ms", "delivery.timeout.ms", "partitioner",
    "compression.codec", "compression.type", "compression.level", "transactional.id", "transaction.timeout.ms",
    "enable.idempotence", "enable.gapless.guarantee", "queue.buffering.max.messages", "queue.buffering.max.kbytes",
    "queue.buffering.max.ms", "linger.ms", "message.send.max.retries", "retries", "retry.backoff.ms",
    "queue.buffering.backpressure.threshold", "batch.num.messages", "batch.size", "delivery.report.only.error",
    "sticky.partitioning.linger.ms", "queuing.strategy",
  ]
}
