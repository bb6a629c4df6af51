import Metrics
import Synchronization

/// A client's metrics (names: Prometheus' conventions, prefix `strandline_kafka_`).
///
/// Metric objects are looked up once and kept: a backend's lookup is not made for once a record.
final class ClientMetrics: Sendable {
  private let role: String
  private let gauges = Mutex<[String: Gauge]>([:])
  private let errors = Mutex<[String: Counter]>([:])

  init(role: String) {
    self.role = role
  }

  func countError(_ error: KafkaError) {
    counter("strandline_kafka_errors_total", "error", error.name).increment()
  }

  func counter(_ label: String, _ dimension: String, _ value: String) -> Counter {
    errors.withLock { counters in
      let key = "\(label) \(value)"
      if let counter = counters[key] { return counter }
      let counter = Counter(label: label, dimensions: [("client", role), (dimension, value)])
      counters[key] = counter
      return counter
    }
  }

  func record(_ statistics: KafkaStatistics) {
    set("strandline_kafka_brokers_up", [("client", role)], Double(statistics.brokersUp))
    for (_, broker) in statistics.brokers where broker.nodeID >= 0 {
      guard let roundTrip = broker.roundTrip else { continue }
      set(
        "strandline_kafka_broker_round_trip_seconds", [("client", role), ("broker", String(broker.nodeID))],
        Double(roundTrip.averageMicroseconds) * 1e-6)
    }
    if role == "producer" {
      set("strandline_kafka_producer_queue_records", [], Double(statistics.queuedRecords))
      set("strandline_kafka_producer_queue_bytes", [], Double(statistics.queuedBytes))
    }
    for (topic, entry) in statistics.topics {
      for partition in entry.partitions.values where partition.isDesired && partition.partition >= 0 {
        let dimensions = [("topic", topic), ("partition", String(partition.partition))]
        if partition.lag >= 0 { set("strandline_kafka_consumer_lag", dimensions, Double(partition.lag)) }
        set("strandline_kafka_consumer_fetched_bytes", dimensions, Double(partition.fetchedBytes))
      }
    }
  }

  private func set(_ label: String, _ dimensions: [(String, String)], _ value: Double) {
    let gauge = gauges.withLock { gauges in
      let key = dimensions.reduce(label) { "\($0) \($1.1)" }
      if let gauge = gauges[key] { return gauge }
      let gauge = Gauge(label: label, dimensions: dimensions)
      gauges[key] = gauge
      return gauge
    }
    gauge.record(value)
  }
}
