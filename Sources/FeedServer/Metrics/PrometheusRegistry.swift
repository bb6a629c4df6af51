package import CoreMetrics
import Synchronization

/// A swift-metrics backend that keeps all series in memory and writes them as Prometheus text, version 0.0.4.
///
/// Counters are counters; meters, gauges and recorders that do not aggregate are gauges; timers and recorders that
/// aggregate are histograms. Updates take no lock; making a series and rendering do.
package final class PrometheusRegistry: MetricsFactory, Sendable {
  /// Series a metric may have: a label with values from outside must not fill the memory.
  package static let seriesPerMetricMax = 2_000
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
  /// Counts the series that were refused: too many, or of another kind than the metric's first.
  static let refusedName = "strandline_metrics_refused_series_total"

  enum Series: Sendable {
    case counter(PrometheusCounter)
    case fractionCounter(PrometheusFractionCounter)
    case gauge(PrometheusGauge)
    case histogram(PrometheusHistogram)

    var kind: String {
      switch self {
      case .counter, .fractionCounter: "counter"
      case .gauge: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  struct Family: Sendable {
    let kind: String
    /// By labels.
    var series: [String: Series] = [:]
  }

  struct State: Sendable {
    var families: [String: Family] = [:]
    var help: [String: String] = [refusedName: "Series not shown: too many of one metric, or of another kind."]
    var bounds: [String: [Double]] = [:]
    var collectors: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())
  private let refused = PrometheusCounter()

  package init() {
    state.withLock { state in
      for (name, text) in MetricHelp.texts { state.help[name] = text }
    }
  }

  // MARK: Describing

  /// Sets the HELP text of a metric.
  package func describe(_ name: String, _ help: String) {
    state.withLock { $0.help[MetricIdentity.metricName(name)] = help }
  }

  /// Sets the upper bounds of a histogram's buckets, before its first series is made.
  package func setBounds(_ bounds: [Double], of name: String) {
    let bounds = bounds.filter(\.isFinite).sorted()
    state.withLock { $0.bounds[MetricIdentity.metricName(name)] = bounds }
  }

  /// Adds what is to be called before each rendering: to set gauges that are read off something else.
  package func beforeRendering(_ collect: @escaping @Sendable () -> Void) {
    state.withLock { $0.collectors.append(collect) }
  }

  // MARK: MetricsFactory

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    counter(label, dimensions)
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    let made = make(label, dimensions) { _ in .fractionCounter(PrometheusFractionCounter()) }
    return if case .fractionCounter(let counter) = made { counter } else { PrometheusFractionCounter() }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    gauge(label, dimensions)
  }

  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    guard aggregate else { return gauge(label, dimensions) }
    return histogram(label, dimensions, bounds: PrometheusHistogram.countBounds)
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    timer(label, dimensions)
  }

  // A series stays: a counter that vanished and came back would look like a restart.
  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}

  // MARK: Series

  func counter(_ name: String, _ dimensions: [(String, String)] = []) -> PrometheusCounter {
    let made = make(name, dimensions) { _ in .counter(PrometheusCounter()) }
    return if case .counter(let counter) = made { counter } else { PrometheusCounter() }
  }

  func gauge(_ name: String, _ dimensions: [(String, String)] = []) -> PrometheusGauge {
    let made = make(name, dimensions) { _ in .gauge(PrometheusGauge()) }
    return if case .gauge(let gauge) = made { gauge } else { PrometheusGauge() }
  }

  func timer(_ name: String, _ dimensions: [(String, String)] = []) -> PrometheusHistogram {
    histogram(name, dimensions, bounds: PrometheusHistogram.secondsBounds)
  }

  func histogram(_ name: String, _ dimensions: [(String, String)], bounds: [Double]) -> PrometheusHistogram {
    let made = make(name, dimensions) { .histogram(PrometheusHistogram(bounds: $0 ?? bounds)) }
    return if case .histogram(let histogram) = made { histogram } else { PrometheusHistogram(bounds: bounds) }
  }

  /// The series of this name and these labels, made at the first call. Where it cannot be had (the metric is of
  /// another kind, or has too many series) the new one is given without being kept: it works, and is not shown.
  private func make(
    _ name: String, _ dimensions: [(String, String)], _ make: (_ bounds: [Double]?) -> Series
  ) -> Series {
    let identity = MetricIdentity(name: name, dimensions: dimensions)
    return state.withLock { state in
      let new = make(state.bounds[identity.name])
      var family = state.families[identity.name] ?? Family(kind: new.kind)
      if let known = family.series[identity.labels], known.isSameType(as: new) { return known }
      guard family.kind == new.kind, family.series[identity.labels] == nil,
        family.series.count < Self.seriesPerMetricMax
      else {
        refused.increment(by: 1)
        return new
      }
      family.series[identity.labels] = new
      state.families[identity.name] = family
      return new
    }
  }

  // MARK: Rendering

  /// All series as Prometheus text, version 0.0.4: metrics by name, series by labels.
  package func render() -> String {
    for collect in state.withLock({ $0.collectors }) { collect() }
    var (families, help) = state.withLock { ($0.families, $0.help) }
    if refused.value > 0 { families[Self.refusedName] = Family(kind: "counter", series: ["": .counter(refused)]) }
    var text = PrometheusText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text.begin(name: name, kind: family.kind, help: help[name])
      for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
        text.append(series, name: name, labels: labels)
      }
    }
    return text.text
  }
}

extension PrometheusRegistry.Series {
  fileprivate func isSameType(as other: Self) -> Bool {
    switch (self, other) {
    case (.counter, .counter), (.fractionCounter, .fractionCounter), (.gauge, .gauge), (.histogram, .histogram): true
    default: false
    }
  }
}
