package import AuditActions
package import Kafka

/// Where the metadata of queues is kept, and what holds for queues that have none.
package struct QueueMetadataConfiguration: Sendable {
  package var kafka: KafkaConfiguration
  /// The compacted topic: of each queue its latest document.
  package var topic: String
  package var auditDefault: AuditDefault
  /// Makes the topic when it is missing, if the cluster lets us.
  package var createsTopic = false
  /// How long to wait after a failure before trying again.
  package var retryMilliseconds = 1_000
  /// How often the topic is asked for partitions added to it.
  package var partitionRefreshMilliseconds = 10_000
  /// How long one write may take: to read what others wrote before, to be acknowledged, to be read back.
  package var writeTimeout: Duration = .seconds(10)

  package static let defaultTopic = "audit.queues"

  package init(
    kafka: KafkaConfiguration, topic: String = defaultTopic, auditDefault: AuditDefault = .declared
  ) {
    self.kafka = kafka
    self.topic = topic
    self.auditDefault = auditDefault
  }

  /// How the topic is made. One partition holds the metadata of a million queues; what was deleted stays visible for a
  /// week, so that a reader that was cut off for that long still learns of it.
  package static let topicProperties = ["cleanup.policy": "compact", "delete.retention.ms": "604800000"]
  package static let topicPartitions: Int32 = 1
}
