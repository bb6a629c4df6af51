import ActionStore
import AuditActions
import Metrics

/// The metrics of ingest and of the store it fills; names as Prometheus has them.
final class IngestMetrics {
  private let stored = Counter(label: "strandline_actions_stored_total")
  private let expiredOnArrival = Counter(label: "strandline_actions_expired_on_arrival_total")
  private let duplicates = Counter(label: "strandline_actions_duplicates_total")
  private let expired = Counter(label: "strandline_actions_expired_total")
  private let overRetention = Counter(label: "strandline_actions_over_retention_total")
  private let unkeptProofs = Counter(label: "strandline_actions_unkept_proofs_total")
  private let bytes = Gauge(label: "strandline_store_bytes")
  private let segments = Gauge(label: "strandline_store_segments")
  private let queues = Gauge(label: "strandline_store_queues")
  private let rebuildRemaining = Gauge(label: "strandline_rebuild_remaining_records")
  private var rejectedByReason: [String: Counter] = [:]
  private var droppedByReason: [DropReason: Counter] = [:]
  private var lagByPartition: [Int32: Gauge] = [:]
  private var expiredBefore: UInt64 = 0
  private var overRetentionBefore: UInt64 = 0

  func record(_ outcome: AppendOutcome) {
    stored.increment(by: Int64(outcome.stored))
    if outcome.expiredOnArrival > 0 { expiredOnArrival.increment(by: Int64(outcome.expiredOnArrival)) }
    if outcome.duplicates > 0 { duplicates.increment(by: Int64(outcome.duplicates)) }
    for (reason, count) in outcome.dropped {
      let counter =
        droppedByReason[reason]
        ?? Counter(label: "strandline_actions_dropped_total", dimensions: [("reason", reason.rawValue)])
      droppedByReason[reason] = counter
      counter.increment(by: Int64(count))
    }
  }

  func rejected(reason: String) {
    let counter =
      rejectedByReason[reason]
      ?? Counter(label: "strandline_actions_rejected_total", dimensions: [("reason", reason)])
    rejectedByReason[reason] = counter
    counter.increment()
  }

  /// An action was stored without what proves it.
  func unkeptProof() { unkeptProofs.increment() }

  func record(rebuildRemaining records: Int64) { rebuildRemaining.record(records) }

  func lostRecords(partition: Int32, count: Int64) {
    Counter(label: "strandline_kafka_lost_records_total", dimensions: [("partition", String(partition))])
      .increment(by: count)
  }

  func record(lag: [Int32: Int64], store: ActionStore.Status) {
    for (partition, records) in lag {
      let gauge =
        lagByPartition[partition]
        ?? Gauge(label: "strandline_ingest_lag_records", dimensions: [("partition", String(partition))])
      lagByPartition[partition] = gauge
      gauge.record(records)
    }
    bytes.record(store.bytesOnDisk)
    segments.record(store.segments)
    queues.record(store.queues)
    if store.expiredActions > expiredBefore {
      expired.increment(by: Int64(clamping: store.expiredActions - expiredBefore))
      expiredBefore = store.expiredActions
    }
    if store.overRetention > overRetentionBefore {
      overRetention.increment(by: Int64(clamping: store.overRetention - overRetentionBefore))
      overRetentionBefore = store.overRetention
    }
  }
}
