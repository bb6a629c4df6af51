package import ActionProof
package import AuditActions
package import Kafka

/// Where actions come from, and the limits of reading them. Every duration says its unit.
package struct IngestConfiguration: Sendable {
  package var kafka: KafkaConfiguration
  package var topic: String
  /// Where records go that break the contract.
  package var deadLetterTopic: String
  /// TTL of a record without one, in seconds.
  package var defaultTimeToLiveSeconds: Int32 = ActionLimits.defaultTimeToLiveSeconds
  /// What records are held against that carry a checksum or a signature, and which have to.
  package var proof = RecordProof()
  /// What is kept of each queue, asked once a batch: nil while that is not known, for which ingest waits before it
  /// begins. Without this every action is kept.
  package var policies: (@Sendable () -> QueuePolicies?)?
  /// Records taken from Kafka and stored at a time: what is to be done once a queue and batch then weighs little.
  package var batchRecordsMax = 5_000
  /// How long to wait for a batch to fill.
  package var pollTimeoutMilliseconds = 100
  /// How often the store is synced, checkpointed and expired.
  package var maintenanceMilliseconds = 500
  /// How often the topic is asked for partitions added to it.
  package var partitionRefreshMilliseconds = 10_000
  /// How long to wait after a failure before trying again.
  package var retryMilliseconds = 1_000

  package init(kafka: KafkaConfiguration, topic: String, deadLetterTopic: String? = nil) {
    self.kafka = kafka
    self.topic = topic
    self.deadLetterTopic = deadLetterTopic ?? topic + ".dlq"
  }
}
