import Synchronization

/// The metrics of requests. A series is looked up once and kept, so that a request costs one short lock.
final class HTTPMetrics: Sendable {
  private struct Key: Hashable {
    let route: FeedRoute?
    let code: Int
  }

  private let registry: PrometheusRegistry
  private let durations = Mutex<[Key: PrometheusHistogram]>([:])

  init(registry: PrometheusRegistry) {
    self.registry = registry
  }

  /// - Parameter route: nil when there is none; paths from outside never become labels.
  func record(route: FeedRoute?, code: Int, nanoseconds: Int64) {
    durations(route: route, code: code).recordNanoseconds(nanoseconds)
  }

  /// The series of one route and status.
  func durations(route: FeedRoute?, code: Int) -> PrometheusHistogram {
    let key = Key(route: route, code: code)
    return durations.withLock { durations in
      if let known = durations[key] { return known }
      let made = registry.timer(
        "strandline_http_request_duration_seconds", [("route", route?.rawValue ?? "none"), ("code", String(code))])
      durations[key] = made
      return made
    }
  }

  func countTimeout(_ waitedFor: String) {
    registry.counter("strandline_http_timeouts_total", [("waited_for", waitedFor)]).increment(by: 1)
  }

  /// - Parameter outcome: of so many actions that were sent with their numbers.
  func count(sent outcome: String, _ count: Int) {
    registry.counter("strandline_numbered_actions_sent_total", [("outcome", outcome)]).increment(by: Int64(count))
  }

  func connections(listener: String) -> PrometheusGauge {
    registry.gauge("strandline_http_connections", [("listener", listener)])
  }
}
