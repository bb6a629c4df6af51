import CoreMetrics
import Metrics
import Testing

@testable import FeedServer

@Suite struct PrometheusTests {
  @Test func `counters, gauges and fractions are written as the format has them`() {
    let registry = PrometheusRegistry()
    Counter(label: "b_total", dimensions: [("x", "1")], factory: registry).increment(by: 3)
    Counter(label: "b_total", dimensions: [("x", "0")], factory: registry).increment()
    FloatingPointCounter(label: "c_seconds_total", factory: registry).increment(by: 0.25)
    Gauge(label: "a_bytes", factory: registry).record(1.5)
    registry.describe("a_bytes", "Bytes\nand a \\ \"quote\".")
    #expect(
      registry.render() == #"""
        # HELP a_bytes Bytes\nand a \\ "quote".
        # TYPE a_bytes gauge
        a_bytes 1.5
        # TYPE b_total counter
        b_total{x="0"} 1
        b_total{x="1"} 3
        # TYPE c_seconds_total counter
        c_seconds_total 0.25

        """#)
  }

  @Test func `timers are histograms in seconds with cumulative buckets`() {
    let registry = PrometheusRegistry()
    registry.setBounds([1, 0.1, .infinity], of: "t_seconds")
    let timer = Timer(label: "t_seconds", dimensions: [("route", "/x")], factory: registry)
    timer.recordMilliseconds(50)
    timer.recordMilliseconds(100)
    timer.recordSeconds(1)
    timer.recordSeconds(20)
    #expect(
      registry.render() == #"""
        # TYPE t_seconds histogram
        t_seconds_bucket{route="/x",le="0.1"} 2
        t_seconds_bucket{route="/x",le="1"} 3
        t_seconds_bucket{route="/x",le="+Inf"} 4
        t_seconds_sum{route="/x"} 21.15
        t_seconds_count{route="/x"} 4

        """#)
  }

  @Test func `recorders that aggregate are histograms, the others gauges`() {
    let registry = PrometheusRegistry()
    let sizes = Recorder(label: "sizes", factory: registry)
    sizes.record(5)
    sizes.record(1)
    let last = Recorder(label: "last", dimensions: [], aggregate: false, factory: registry)
    last.record(7)
    last.record(8)
    let meter = Meter(label: "level", factory: registry)
    meter.set(10)
    meter.increment(by: 2.5)
    meter.decrement()
    let text = registry.render()
    #expect(text.contains("sizes_bucket{le=\"1\"} 1\nsizes_bucket{le=\"4\"} 1\nsizes_bucket{le=\"16\"} 2\n"))
    #expect(text.contains("sizes_sum 6\nsizes_count 2\n"))
    #expect(text.contains("last 8\n"))
    #expect(text.contains("level 11.5\n"))
  }

  @Test func `label values are escaped, names made to fit, and a label stands once`() {
    let registry = PrometheusRegistry()
    Counter(
      label: "my.metric-name", dimensions: [("a-b", "quote\" back\\ line\nend é"), ("z", "1"), ("z", "2"), ("0", "x")],
      factory: registry
    ).increment()
    Counter(label: "9lives", dimensions: [("__name__", "x")], factory: registry).increment()
    let text = registry.render()
    #expect(text.contains(#"my_metric_name{_0="x",a_b="quote\" back\\ line\nend é",z="2"} 1"# + "\n"))
    #expect(text.contains("_9lives{label__name__=\"x\"} 1\n"))
  }

  @Test func `the same name and labels are one series, in whatever order`() {
    let registry = PrometheusRegistry()
    Counter(label: "n_total", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
    Counter(label: "n_total", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
    #expect(registry.render().contains("n_total{a=\"1\",b=\"2\"} 2\n"))
  }

  @Test func `a metric of another kind and too many series are refused and counted, and never trap`() {
    let registry = PrometheusRegistry()
    Counter(label: "same", factory: registry).increment()
    let timer = Timer(label: "same", factory: registry)
    timer.recordSeconds(1)
    let many = PrometheusRegistry.seriesPerMetricMax
    for index in 0...many {
      Counter(label: "many_total", dimensions: [("i", "\(index)")], factory: registry).increment()
    }
    let text = registry.render()
    #expect(text.contains("# TYPE same counter\nsame 1\n"))
    #expect(!text.contains("same_bucket"))
    #expect(text.contains("strandline_metrics_refused_series_total 2\n"))
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("many_total{") }.count == many)
  }

  @Test func `special numbers have Prometheus's names`() {
    #expect(PrometheusText.number(.nan) == "NaN")
    #expect(PrometheusText.number(.infinity) == "+Inf")
    #expect(PrometheusText.number(-.infinity) == "-Inf")
    #expect(PrometheusText.number(3) == "3")
    #expect(PrometheusText.number(1e300) == "1e+300")
    #expect(PrometheusText.number(0.0005) == "0.0005")
  }

  @Test func `what is to be collected is asked before each rendering`() {
    let registry = PrometheusRegistry()
    let gauge = registry.gauge("asked")
    registry.beforeRendering { gauge.increment(by: 1) }
    #expect(registry.render().contains("asked 1\n"))
    #expect(registry.render().contains("asked 2\n"))
  }

  @Test func `counts of many threads are not lost`() async {
    let registry = PrometheusRegistry()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let counter = Counter(label: "c_total", factory: registry)
          let timer = Timer(label: "t_seconds", factory: registry)
          for _ in 0..<1_000 {
            counter.increment()
            timer.recordSeconds(1)
          }
        }
      }
    }
    let text = registry.render()
    #expect(text.contains("c_total 8000\n"))
    #expect(text.contains("t_seconds_count 8000\n"))
    #expect(text.contains("t_seconds_sum 8000\n"))
  }
}
