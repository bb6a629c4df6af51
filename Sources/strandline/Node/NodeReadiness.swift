import ActionIngest
import FeedServer
import QueueMetadata

/// Whether requests should be sent to this node.
struct NodeReadiness: ReadinessSource {
  let status: @Sendable () -> IngestStatus
  let queues: @Sendable () -> QueueMetadataStatus
  let currency: @Sendable () -> FeedCurrency

  func checks() -> [ReadinessCheck] {
    let status = status()
    let kafka =
      switch status.connection {
      case .connected:
        ReadinessCheck(
          name: "kafka", isReady: status.refusedPartitions.isEmpty, detail: status.refusedPartitions.values.first ?? "")
      case .connecting: ReadinessCheck(name: "kafka", isReady: false, detail: "not reached yet")
      case .lost(let reason): ReadinessCheck(name: "kafka", isReady: false, detail: reason)
      }
    let metadata = queues()
    let queues = ReadinessCheck(
      name: "queues", isReady: metadata.isCaughtUp,
      detail: metadata.isCaughtUp ? "" : metadata.failure ?? "queue metadata is being read")
    let fault = status.maintenanceFailure ?? status.pausedReason
    let store = ReadinessCheck(name: "store", isReady: fault == nil, detail: fault ?? "")
    let behind = currency().behind
    let complete = ReadinessCheck(name: "complete", isReady: behind == nil, detail: behind?.detail ?? "")
    let rebuild = status.rebuild.map {
      ReadinessCheck(name: "rebuild", isReady: false, detail: "the store is rebuilt from the topic: \($0)")
    }
    return [kafka, queues, store, complete] + [rebuild].compactMap { $0 }
  }
}
