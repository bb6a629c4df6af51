import Crdkafka

/// Pausing, seeking, committing, and where things stand.
extension KafkaConsumer {
  /// Delivers no more records of these partitions until `resume`. Records fetched and not polled yet are fetched
  /// again then. Go on polling meanwhile.
  ///
  /// - Throws: `_STATE` when one of them is not assigned
  public func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
    try core.handle.use { client throws(KafkaError) in
      try requireAssigned(partitions)
      let list = try PartitionList(partitions)
      try check(rd_kafka_pause_partitions(client, list.list))
      try list.checkErrors()
    }
  }

  /// Delivers records of paused partitions again, from where the last poll ended.
  ///
  /// - Throws: `_STATE` when one of them is not assigned
  public func resume(_ partitions: [TopicPartition]) throws(KafkaError) {
    try core.handle.use { client throws(KafkaError) in
      try requireAssigned(partitions)
      let list = try PartitionList(partitions)
      try check(rd_kafka_resume_partitions(client, list.list))
      try list.checkErrors()
    }
  }

  /// Goes on elsewhere in partitions that are assigned, also in those that failed with `_AUTO_OFFSET_RESET`.
  /// Batches polled before may still hold records of the old place.
  ///
  /// - Parameter timeout: for looking up times and for the seek itself
  /// - Throws: `_STATE` when one of them is not assigned
  public func seek(_ starts: [TopicPartition: Start], timeout: Duration = .seconds(10)) throws(KafkaError) {
    guard !starts.isEmpty else { return }
    try core.handle.use { client throws(KafkaError) in
      try requireAssigned(starts.keys)
      let offsets = try StartOffsets.resolve(starts, client: client, timeout: timeout)
      let list = try PartitionList(offsets)
      // At least 1 ms: with 0 the outcome would not be awaited.
      try check(consuming: rd_kafka_seek_partitions(client, list.list, max(1, timeout.cMilliseconds())))
      // librdkafka has stopped a partition that failed for good and refuses to seek it: assign it anew.
      var stopped: [TopicPartition: Int64] = [:]
      for entry in list.entries {
        if entry.err == RD_KAFKA_RESP_ERR__STATE {
          stopped[TopicPartition(entry)] = offsets[TopicPartition(entry)]
        } else {
          try check(entry.err, "\(TopicPartition(entry)): \(String(cString: rd_kafka_err2str(entry.err)))")
        }
      }
      guard !stopped.isEmpty else { return }
      let again = try PartitionList(stopped)
      try check(consuming: rd_kafka_incremental_unassign(client, again.list))
      try check(consuming: rd_kafka_incremental_assign(client, again.list))
    }
  }

  /// librdkafka would take up a partition of a topic it knows, assigned or not.
  private func requireAssigned(_ partitions: some Sequence<TopicPartition>) throws(KafkaError) {
    let assigned = Set(try assignment())
    for partition in partitions where !assigned.contains(partition) {
      throw KafkaError(RD_KAFKA_RESP_ERR__STATE, message: "\(partition) is not assigned to this consumer")
    }
  }

  /// For each partition the first offset whose record is as old as the time (milliseconds since 1970) or younger;
  /// nil when there is none. Blocks. The embedded broker cannot do it.
  public func offsetsForTimes(
    _ times: [TopicPartition: Int64], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64?] {
    guard !times.isEmpty else { return [:] }
    return try core.handle.use { client throws(KafkaError) in
      try StartOffsets.offsetsForTimes(times, client: client, timeout: timeout)
    }
  }

  /// Asks the broker for a partition's first offset and the one its next record will get. Blocks for no longer than
  /// the timeout.
  public func watermarks(of partition: TopicPartition, timeout: Duration) throws(KafkaError) -> Watermarks {
    let deadline = ContinuousClock.now + timeout
    // The end first: records that retention removes in between make the two meet, and never cross.
    let high = try edges([partition], LogicalOffset.end, timeout: timeout)[partition] ?? 0
    let low = try edges([partition], LogicalOffset.beginning, timeout: deadline - .now)[partition] ?? 0
    return Watermarks(low: low, high: max(low, high))
  }

  /// Asks the brokers for the offset that the next record of each partition will get, with one request for every
  /// leader. Blocks for no longer than the timeout.
  public func ends(
    of partitions: [TopicPartition], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    guard !partitions.isEmpty else { return [:] }
    return try edges(partitions, LogicalOffset.end, timeout: timeout)
  }

  /// `rd_kafka_query_watermark_offsets` only bounds its search for the leader: when the broker goes away under the
  /// request, it waits for minutes. A look-up by time keeps its bound, and in Kafka's protocol (ListOffsets) the
  /// beginning and the end are two special times.
  private func edges(
    _ partitions: [TopicPartition], _ edge: Int64, timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    let questions = Dictionary(partitions.map { ($0, edge) }, uniquingKeysWith: { first, _ in first })
    return try core.handle.use { client throws(KafkaError) in
      let list = try PartitionList(questions)
      try check(rd_kafka_offsets_for_times(client, list.list, max(1, timeout.cMilliseconds())))
      let offsets = try list.offsets()
      for (partition, offset) in offsets where offset < 0 {
        throw KafkaError(RD_KAFKA_RESP_ERR__NO_OFFSET, message: "\(partition): the broker tells no offset")
      }
      return offsets
    }
  }

  /// What the last fetch answer said of an assigned partition, without asking anybody; nil before the first.
  /// The low one is refreshed only with the statistics.
  public func cachedWatermarks(of partition: TopicPartition) throws(KafkaError) -> Watermarks? {
    try core.handle.use { client throws(KafkaError) in
      var low: Int64 = 0
      var high: Int64 = 0
      let code = rd_kafka_get_watermark_offsets(client, partition.topic, partition.partition, &low, &high)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
      return Watermarks(low: max(low, 0), high: high)
    }
  }

  /// The offset behind the last record polled, of each partition; nil when none was polled since it was assigned.
  public func positions(of partitions: [TopicPartition]) throws(KafkaError) -> [TopicPartition: Int64?] {
    guard !partitions.isEmpty else { return [:] }
    return try core.handle.use { client throws(KafkaError) in
      let list = try PartitionList(partitions)
      try check(rd_kafka_position(client, list.list))
      return try list.offsets().mapValues { $0 >= 0 ? $0 : nil }
    }
  }

  /// How many offsets lie between what was polled and the partition's end as last heard, without asking anybody;
  /// nil when either is not known. Transactions leave offsets without a record, so it is an upper bound.
  public func lag(of partition: TopicPartition) throws(KafkaError) -> Int64? {
    guard let high = try cachedWatermarks(of: partition)?.high,
      let position = try positions(of: [partition])[partition] ?? nil
    else { return nil }
    return max(0, high - position)
  }

  /// Commits offsets for the group: of each partition the next one to read. Blocks until the coordinator has them.
  ///
  /// - Throws: `_TIMED_OUT` when there was no answer in time; the commit may or may not have happened
  public func commit(_ offsets: [TopicPartition: Int64], timeout: Duration = .seconds(10)) throws(KafkaError) {
    guard !offsets.isEmpty else { return }
    try core.handle.use { client throws(KafkaError) in
      let list = try PartitionList(offsets)
      guard let queue = rd_kafka_queue_new(client) else { throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) }
      defer { rd_kafka_queue_destroy(queue) }
      // rd_kafka_commit would wait for a coordinator without a bound.
      try check(rd_kafka_commit_queue(client, list.list, queue, nil, nil))
      guard let event = rd_kafka_queue_poll(queue, timeout.cMilliseconds()) else {
        throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, message: "the commit was not answered in time")
      }
      defer { rd_kafka_event_destroy(event) }
      try check(rd_kafka_event_error(event), rd_kafka_event_error_string(event).map { String(cString: $0) })
      if let answered = rd_kafka_event_topic_partition_list(event) {
        for entry in PartitionList.entries(of: answered) {
          try check(entry.err, "\(TopicPartition(entry)): \(String(cString: rd_kafka_err2str(entry.err)))")
        }
      }
    }
  }

  /// The group's committed offsets; nil where there is none. Blocks.
  public func committed(
    of partitions: [TopicPartition], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64?] {
    guard !partitions.isEmpty else { return [:] }
    return try core.handle.use { client throws(KafkaError) in
      let list = try PartitionList(partitions)
      try check(rd_kafka_committed(client, list.list, max(1, timeout.cMilliseconds())))
      return try list.offsets().mapValues { $0 >= 0 ? $0 : nil }
    }
  }

  /// The partition numbers of a topic, ascending. Blocks.
  ///
  /// - Throws: `UNKNOWN_TOPIC_OR_PART` when there is no such topic, `_TRANSPORT` when no broker answers in time
  public func partitions(of topic: String, timeout: Duration) throws(KafkaError) -> [Int32] {
    try core.handle.use { client throws(KafkaError) in
      try ClusterMetadata.fetch(client: client, topic: topic, timeout: timeout)
        .requireTopic(topic).partitions.map(\.id)
    }
  }
}
