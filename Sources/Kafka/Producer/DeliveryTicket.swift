import Crdkafka

/// Stands for a record on its way whose sender wants to know the outcome. librdkafka carries a retained reference to
/// it as the record's opaque pointer; the delivery report takes it back.
final class DeliveryTicket: Sendable {
  private let onDelivery: @Sendable (Result<RecordPosition, KafkaError>) -> Void

  init(_ onDelivery: @escaping @Sendable (Result<RecordPosition, KafkaError>) -> Void) {
    self.onDelivery = onDelivery
  }

  func retainedPointer() -> UnsafeMutableRawPointer {
    Unmanaged.passRetained(self).toOpaque()
  }

  /// Gives back a reference whose record was refused: no report will come.
  static func release(_ pointer: UnsafeMutableRawPointer) {
    Unmanaged<DeliveryTicket>.fromOpaque(pointer).release()
  }

  /// Reports the outcome to the sender and gives the reference back.
  static func settle(_ pointer: UnsafeMutableRawPointer, with message: UnsafePointer<rd_kafka_message_t>) {
    let ticket = Unmanaged<DeliveryTicket>.fromOpaque(pointer).takeRetainedValue()
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR_NO_ERROR {
      var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
      let timestamp = rd_kafka_message_timestamp(message, &kind)
      ticket.onDelivery(
        .success(
          RecordPosition(
            partition: message.pointee.partition, offset: message.pointee.offset,
            timestampMilliseconds: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : timestamp)))
    } else {
      ticket.onDelivery(.failure(KafkaError(code)))
    }
  }
}
