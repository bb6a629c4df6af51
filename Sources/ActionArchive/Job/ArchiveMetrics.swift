import Metrics

/// The metrics of the archive job; names as Prometheus has them.
final class ArchiveMetrics {
  private let objects = Counter(label: "strandline_archive_objects_total")
  private let objectBytes = Counter(label: "strandline_archive_object_bytes_total")
  private let manifests = Counter(label: "strandline_archive_manifests_total")
  private let actions = Counter(label: "strandline_archive_actions_total")
  private let rejected = Counter(label: "strandline_archive_rejected_total")
  private let lost = Counter(label: "strandline_archive_lost_offsets_total")
  private let failures = Counter(label: "strandline_archive_store_failures_total")
  private let timeToLoss = Gauge(label: "strandline_archive_time_to_loss_seconds")
  private let stopped = Gauge(label: "strandline_archive_stopped_partitions")
  private var lagByPartition: [Int32: Gauge] = [:]

  func stored(_ cut: CutRecord) {
    objects.increment(by: Int64(cut.objects.count))
    objectBytes.increment(by: cut.objects.reduce(0) { $0 + $1.bytes })
    actions.increment(by: cut.objects.reduce(0) { $0 + $1.actions })
    rejected.increment(by: cut.objects.reduce(0) { $0 + $1.rejected })
    lost.increment(by: cut.objects.reduce(0) { $0 + $1.content.holeOffsets })
  }

  func storedManifest() { manifests.increment() }
  func storeFailed() { failures.increment() }

  func record(_ status: ArchiveStatus, nowMilliseconds: Int64) {
    for (partition, facts) in status.partitions {
      guard let lag = facts.lag else { continue }
      let gauge =
        lagByPartition[partition]
        ?? Gauge(label: "strandline_archive_lag_records", dimensions: [("partition", String(partition))])
      lagByPartition[partition] = gauge
      gauge.record(lag)
    }
    // A partition that went to another member has no lag here.
    for (partition, gauge) in lagByPartition where status.partitions[partition] == nil { gauge.record(0) }
    stopped.record(status.partitions.values.count { $0.stop != nil })
    if let left = status.timeToLossMilliseconds(nowMilliseconds: nowMilliseconds) {
      timeToLoss.record(Double(left) / 1_000)
    } else if let retention = status.retentionMilliseconds {
      timeToLoss.record(Double(retention) / 1_000)
    }
  }
}
