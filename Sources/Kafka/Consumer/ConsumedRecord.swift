import Crdkafka

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A record in a batch. Its pointers are valid as long as the record or its batch is kept.
public struct ConsumedRecord: @unchecked Sendable {
  let message: ConsumedBatch.Message
  let batch: ConsumedBatch

  public var topic: String {
    message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
  }
  public var partition: Int32 { message.pointee.partition }
  public var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }
  public var offset: Int64 { message.pointee.offset }

  /// The broker it was fetched from; −1 when librdkafka does not tell.
  public var brokerID: Int32 { rd_kafka_message_broker_id(message) }

  public var timestamp: RecordTimestamp {
    var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let milliseconds = rd_kafka_message_timestamp(message, &kind)
    switch kind {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME: return .createTime(milliseconds: milliseconds)
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return .logAppendTime(milliseconds: milliseconds)
    default: return .unavailable
    }
  }

  /// Nil is a null key, which differs from an empty one.
  public var key: UnsafeRawBufferPointer? {
    message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
  }

  /// Nil is a null value ("tombstone"), which differs from an empty one.
  public var value: UnsafeRawBufferPointer? {
    message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
  }

  /// The value of the last header of that name; nil when there is none or its value is null.
  public func header(named name: String) -> UnsafeRawBufferPointer? {
    guard let list = headerList else { return nil }
    var value: UnsafeRawPointer?
    var size = 0
    guard rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let value else {
      return nil
    }
    return UnsafeRawBufferPointer(start: value, count: size)
  }

  /// All headers in order, copied.
  public func headers() -> [KafkaHeader] {
    guard let list = headerList else { return [] }
    var headers: [KafkaHeader] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
      let bytes = value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }
      headers.append(KafkaHeader(key: name.map { String(cString: $0) } ?? "", value: bytes))
    }
    return headers
  }

  /// Calls `visit` with each header in order, copying nothing; pointers are valid as long as the record's. For those who
  /// want several headers: to look one up by name costs a pass over all.
  public func forEachHeader(_ visit: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void) {
    guard let list = headerList else { return }
    var index = 0
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
      index += 1
      guard let name else { continue }
      visit(
        UnsafeRawBufferPointer(start: name, count: strlen(name)),
        value.map { UnsafeRawBufferPointer(start: $0, count: size) })
    }
  }

  /// librdkafka parses the headers at the first look; nil when there are none or they are damaged.
  private var headerList: OpaquePointer? {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return list
  }
}
