/// Prometheus's text exposition format, version 0.0.4.
struct PrometheusText {
  private(set) var text = ""

  mutating func begin(name: String, kind: String, help: String?) {
    if let help { text += "# HELP \(name) \(MetricIdentity.escapeHelp(help))\n" }
    text += "# TYPE \(name) \(kind)\n"
  }

  mutating func append(_ series: PrometheusRegistry.Series, name: String, labels: String) {
    switch series {
    case .counter(let counter): line(name, labels, String(counter.value))
    case .fractionCounter(let counter): line(name, labels, Self.number(counter.value))
    case .gauge(let gauge): line(name, labels, Self.number(gauge.value))
    case .histogram(let histogram): append(histogram, name: name, labels: labels)
    }
  }

  private mutating func append(_ histogram: PrometheusHistogram, name: String, labels: String) {
    let (cumulative, sum) = histogram.snapshot()
    let prefix = labels.isEmpty ? "" : labels + ","
    for (bound, count) in zip(histogram.bounds, cumulative) {
      line(name + "_bucket", prefix + "le=\"\(Self.number(bound))\"", String(count))
    }
    let total = String(cumulative.last ?? 0)
    line(name + "_bucket", prefix + "le=\"+Inf\"", total)
    line(name + "_sum", labels, Self.number(sum))
    line(name + "_count", labels, total)
  }

  private mutating func line(_ name: String, _ labels: String, _ value: String) {
    text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
  }

  /// A number as Go's parser reads it: whole numbers without a fraction, and NaN, +Inf, -Inf by these names.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    if let whole = Int64(exactly: value) { return String(whole) }
    return "\(value)"
  }
}
