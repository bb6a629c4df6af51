import Metrics

/// What a spool tells operators.
struct SpoolMetrics: Sendable {
  private let pending: Gauge
  private let syncFailures: Counter
  private let factory: any MetricsFactory

  init(factory: any MetricsFactory) {
    self.factory = factory
    pending = Gauge(label: "strandline_spool_pending_actions", factory: factory)
    syncFailures = Counter(label: "strandline_spool_sync_failures_total", factory: factory)
  }

  func record(pending actions: Int) { pending.record(actions) }
  func syncFailed() { syncFailures.increment() }

  func began(because reason: SpoolBeginning) {
    Counter(
      label: "strandline_spool_logs_begun_total", dimensions: [("reason", reason.rawValue)], factory: factory
    ).increment()
  }
}
