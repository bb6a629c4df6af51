import AuditActions
import Foundation
package import Kafka

/// What the archive job reads and how it cuts. Every duration says its unit.
package struct ArchiveConfiguration: Sendable {
  package var kafka: KafkaConfiguration
  package var layout: ArchiveLayout
  /// The consumer group: its members share the partitions, and its committed offsets follow the archive.
  package var group: String
  /// Folder in which objects are built. At most three cuts of ``CutLimits/bytesMax`` a partition lie there.
  package var spool: String
  package var limits = CutLimits()
  package var signer: ManifestSigner?
  /// How long after its end a period is waited for before a clock closes it: how far clocks may differ.
  package var latenessMilliseconds: Int64 = 120_000
  /// Drain the topic to its present end, and end.
  package var once = false
  /// With ``once``: how long a store or a broker that does not answer is waited for.
  package var oncePatienceMilliseconds: Int64 = 300_000
  /// The clock, in milliseconds since 1970.
  package var nowMilliseconds: @Sendable () -> Int64 = { ActionTime.now.millisecondsSince1970 }
  /// Threads that compress and hash, at least 1. What they make does not depend on their number.
  package var packingThreads = min(4, ProcessInfo.processInfo.activeProcessorCount)
  package var pollRecordsMax = 2_000
  package var pollTimeoutMilliseconds = 100
  /// Between looks at the clock.
  package var tickMilliseconds: Int64 = 1_000
  /// After a failure of the store: the wait doubles from the first to the second.
  package var retryMilliseconds: Int64 = 500
  package var retryMillisecondsMax: Int64 = 60_000

  package init(kafka: KafkaConfiguration, layout: ArchiveLayout, group: String, spool: String) {
    self.kafka = kafka
    self.layout = layout
    self.group = group
    self.spool = spool
  }
}
