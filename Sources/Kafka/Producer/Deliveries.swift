import Crdkafka
import Metrics
import Synchronization

/// Counts the records on their way and serves their delivery reports, a batch at a time.
final class Deliveries: Sendable {
  private let count = Atomic<Int>(0)
  private let delivered = Counter(label: "strandline_kafka_producer_delivered_records_total")
  private let failed = Counter(label: "strandline_kafka_producer_failed_records_total")

  var outstanding: Int { count.load(ordering: .acquiring) }

  func accepted() {
    count.wrappingAdd(1, ordering: .relaxed)
  }

  /// A record that was counted as accepted was not: no report will come.
  func refused() {
    count.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Serves one event of delivery reports. Records are outstanding until their callbacks have returned.
  func serve(_ event: OpaquePointer) {
    var successes = 0
    var failures = 0
    while let message = rd_kafka_event_message_next(event) {
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR { successes += 1 } else { failures += 1 }
      if let opaque = message.pointee._private { DeliveryTicket.settle(opaque, with: message) }
    }
    count.wrappingSubtract(successes + failures, ordering: .releasing)
    if successes > 0 { delivered.increment(by: successes) }
    if failures > 0 { failed.increment(by: failures) }
  }
}
