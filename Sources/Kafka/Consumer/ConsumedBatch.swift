import Crdkafka

/// Records of one poll, still in librdkafka's memory; freed when the batch and all its records have gone.
///
/// Nothing is copied. Keep batches short: each holds the whole fetch response its records came in, and a consumer
/// that is closed frees its memory only when its last batch has gone.
public final class ConsumedBatch: @unchecked Sendable {
  typealias Message = UnsafeMutablePointer<rd_kafka_message_t>

  private let messages: UnsafeMutablePointer<Message?>
  private let handle: ClientHandle
  /// The number of records.
  public let count: Int
  /// Partitions whose end was reached, with the offset that the next record there will get.
  public let ends: [TopicPartition: Int64]
  /// What failed, of one partition or of all (nil). Such a partition delivers nothing more until it is sought or
  /// assigned anew when the error is `_AUTO_OFFSET_RESET` or not retriable; else librdkafka goes on trying.
  public let failures: [(partition: TopicPartition?, error: KafkaError)]

  /// Takes over `messages` and what it points to.
  init(messages: UnsafeMutablePointer<Message?>, taken: Int, handle: ClientHandle) {
    var ends: [TopicPartition: Int64] = [:]
    var failures: [(partition: TopicPartition?, error: KafkaError)] = []
    var records = 0
    for index in 0..<taken {
      guard let message = messages[index] else { continue }
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        if records != index { messages[records] = message }
        records += 1
        continue
      }
      let partition = message.pointee.rkt.map {
        TopicPartition(topic: String(cString: rd_kafka_topic_name($0)), partition: message.pointee.partition)
      }
      if message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF, let partition {
        ends[partition] = message.pointee.offset
      } else {
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
        failures.append((partition, KafkaError(message.pointee.err, message: text)))
      }
      rd_kafka_message_destroy(message)
    }
    self.messages = messages
    self.handle = handle
    count = records
    self.ends = ends
    self.failures = failures
    _ = handle.leases.enter()
  }

  deinit {
    for index in 0..<count {
      if let message = messages[index] { rd_kafka_message_destroy(message) }
    }
    messages.deallocate()
    handle.leases.leave()
  }

  public var isEmpty: Bool { count == 0 }

  /// A record, in the order the broker gave them within each partition. `index` must be less than ``count``.
  public subscript(index: Int) -> ConsumedRecord {
    precondition(index >= 0 && index < count, "no such record in the batch")
    // Filled by the initializer for all indices below `count`.
    return ConsumedRecord(message: messages[index].unsafelyUnwrapped, batch: self)
  }
}

extension ConsumedBatch: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  /// The batch itself, for callers that say what they mean.
  public var records: ConsumedBatch { self }
}
