import ActionIngest
import FeedServer

/// Whether requests should be sent to this node.
struct NodeReadiness: ReadinessSource {
  let status: @Sendable () -> IngestStatus
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
    let fault = status.maintenanceFailure ?? status.pausedReason
    let store = ReadinessCheck(name: "store", isReady: fault == nil, detail: fault ?? "")
    let complete =
      switch currency() {
      case .completeThrough: ReadinessCheck(name: "complete", isReady: true)
      case .behind(let detail, _): ReadinessCheck(name: "complete", isReady: false, detail: detail)
      }
    return [kafka, store, complete]
  }
}
