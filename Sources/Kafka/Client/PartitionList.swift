import Crdkafka

/// A list of partitions as librdkafka wants it, freed when it goes out of scope.
struct PartitionList: ~Copyable {
  let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(_ partitions: some Collection<TopicPartition>) throws(KafkaError) {
    list = try Self.allocate(partitions.count)
    for partition in partitions { _ = add(partition) }
  }

  /// Partitions with an offset each, or one of librdkafka's logical offsets.
  init(_ offsets: [TopicPartition: Int64]) throws(KafkaError) {
    list = try Self.allocate(offsets.count)
    for (partition, offset) in offsets { add(partition)?.pointee.offset = offset }
  }

  init(topics: [String]) throws(KafkaError) {
    list = try Self.allocate(topics.count)
    for topic in topics { _ = rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA) }
  }

  deinit {
    rd_kafka_topic_partition_list_destroy(list)
  }

  private static func allocate(
    _ count: Int
  ) throws(KafkaError) -> UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    guard let list = rd_kafka_topic_partition_list_new(Int32(clamping: count)) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
    }
    return list
  }

  private func add(_ partition: TopicPartition) -> UnsafeMutablePointer<rd_kafka_topic_partition_t>? {
    rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition)
  }

  var entries: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
    Self.entries(of: list)
  }

  static func entries(
    of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
  ) -> UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
    UnsafeMutableBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt))
  }

  /// The offsets of all partitions; throws the first error that one of them has.
  func offsets() throws(KafkaError) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for entry in entries {
      let partition = TopicPartition(entry)
      try check(entry.err, "\(partition): \(String(cString: rd_kafka_err2str(entry.err)))")
      offsets[partition] = entry.offset
    }
    return offsets
  }

  /// Throws the first error that a partition has.
  func checkErrors() throws(KafkaError) {
    for entry in entries {
      try check(entry.err, "\(TopicPartition(entry)): \(String(cString: rd_kafka_err2str(entry.err)))")
    }
  }
}

extension TopicPartition {
  init(_ entry: rd_kafka_topic_partition_t) {
    self.init(topic: entry.topic.map { String(cString: $0) } ?? "", partition: entry.partition)
  }
}

/// librdkafka's logical offsets; Swift does not see the C macros with a cast in them.
enum LogicalOffset {
  static let beginning: Int64 = -2
  static let end: Int64 = -1
  static let stored: Int64 = -1000
  static let invalid: Int64 = -1001
}
