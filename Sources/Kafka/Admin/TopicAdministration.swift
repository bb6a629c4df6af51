import Crdkafka

/// Creating, describing and deleting topics, their partitions and records.
extension KafkaAdmin {
  /// Creates a topic and waits until its leaders are chosen.
  ///
  /// - Parameters:
  ///   - partitions: nil: as the cluster's default says
  ///   - replicationFactor: nil: as the cluster's default says
  ///   - configuration: the topic's own settings, e.g. `retention.ms`
  /// - Throws: `TOPIC_ALREADY_EXISTS`, `INVALID_REPLICATION_FACTOR`, `INVALID_CONFIG`, …
  public func createTopic(
    _ name: String, partitions: Int32? = nil, replicationFactor: Int32? = nil, configuration: [String: String] = [:],
    timeout: Duration = defaultTimeout
  ) async throws(KafkaError) {
    guard TopicName.isValid(name) else {
      throw KafkaError(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, message: "a topic name has \(TopicName.rule)")
    }
    let deadline = ContinuousClock.now + timeout.bounded
    try await request(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      let capacity = 512
      var text = [CChar](repeating: 0, count: capacity)
      guard let topic = rd_kafka_NewTopic_new(name, partitions ?? -1, replicationFactor ?? -1, &text, capacity) else {
        throw .invalidArgument(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      defer { rd_kafka_NewTopic_destroy(topic) }
      for (key, value) in configuration {
        let code = rd_kafka_NewTopic_set_config(topic, key, value)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code) }
      }
      var topics: [OpaquePointer?] = [topic]
      rd_kafka_CreateTopics(client, &topics, 1, options, queue)
    } read: { event throws(KafkaError) in
      var count = 0
      let topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
      try Self.checkTopics(topics, count)
    }
    try await awaitLeaders(of: name, deadline: deadline)
  }

  /// A broker answers before all others know the topic; without this, the first use may still fail.
  private func awaitLeaders(of name: String, deadline: ContinuousClock.Instant) async throws(KafkaError) {
    while true {
      let left = deadline - .now
      let topic = try await metadata(topic: name, timeout: max(left, .milliseconds(100))).topics.first
      if let topic, topic.error == nil, !topic.partitions.isEmpty,
        topic.partitions.allSatisfy({ $0.leader != nil })
      {
        return
      }
      guard left > .zero else {
        throw KafkaError(
          RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, message: "topic \(name) was created but has no leaders yet")
      }
      try? await Task.sleep(for: .milliseconds(20))
      if Task.isCancelled { return }
    }
  }

  /// Deletes topics with all their records.
  ///
  /// - Throws: the first topic's failure, e.g. `UNKNOWN_TOPIC_OR_PART`; others may have been deleted nevertheless
  public func deleteTopics(_ names: [String], timeout: Duration = defaultTimeout) async throws(KafkaError) {
    guard !names.isEmpty else { return }
    try await request(RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      var topics = names.map { rd_kafka_DeleteTopic_new($0) }
      rd_kafka_DeleteTopics(client, &topics, topics.count, options, queue)
      for case .some(let topic) in topics { rd_kafka_DeleteTopic_destroy(topic) }
    } read: { event throws(KafkaError) in
      var count = 0
      let topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
      try Self.checkTopics(topics, count)
    }
  }

  /// Partitions and leaders of topics, in the order asked for.
  ///
  /// - Throws: `UNKNOWN_TOPIC_OR_PART` when one of them does not exist
  public func describeTopics(
    _ names: [String], timeout: Duration = defaultTimeout
  ) async throws(KafkaError) -> [ClusterMetadata.Topic] {
    // All at once: asking for one by name can bring it into being on clusters that create topics by themselves.
    let cluster = try await metadata(timeout: timeout)
    var found: [ClusterMetadata.Topic] = []
    for name in names { found.append(try cluster.requireTopic(name)) }
    return found
  }

  /// Raises the number of a topic's partitions to `total`. It cannot be lowered.
  public func createPartitions(
    of topic: String, total: Int32, timeout: Duration = defaultTimeout
  ) async throws(KafkaError) {
    guard total > 0 else { throw .invalidArgument("a topic has at least 1 partition") }
    try await request(RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      guard let partitions = rd_kafka_NewPartitions_new(topic, Int(total), nil, 0) else {
        throw .invalidArgument("\(total) partitions cannot be asked for")
      }
      defer { rd_kafka_NewPartitions_destroy(partitions) }
      var requests: [OpaquePointer?] = [partitions]
      rd_kafka_CreatePartitions(client, &requests, 1, options, queue)
    } read: { event throws(KafkaError) in
      var count = 0
      let topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count)
      try Self.checkTopics(topics, count)
    }
  }

  /// Deletes the records before an offset, of each partition, as retention does.
  ///
  /// - Parameter before: the first offset to stay; -1 for all there are
  /// - Returns: the first offset that is left, of each partition
  @discardableResult
  public func deleteRecords(
    before offsets: [TopicPartition: Int64], timeout: Duration = defaultTimeout
  ) async throws(KafkaError) -> [TopicPartition: Int64] {
    guard !offsets.isEmpty else { return [:] }
    return try await request(RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      let list = try PartitionList(offsets)
      guard let deletion = rd_kafka_DeleteRecords_new(list.list) else {
        throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
      }
      defer { rd_kafka_DeleteRecords_destroy(deletion) }
      var deletions: [OpaquePointer?] = [deletion]
      rd_kafka_DeleteRecords(client, &deletions, 1, options, queue)
    } read: { event throws(KafkaError) in
      guard let left = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event)) else {
        return [:]
      }
      var offsets: [TopicPartition: Int64] = [:]
      for entry in UnsafeBufferPointer(start: left.pointee.elems, count: Int(left.pointee.cnt)) {
        try check(entry.err, "\(TopicPartition(entry)): \(String(cString: rd_kafka_err2str(entry.err)))")
        offsets[TopicPartition(entry)] = entry.offset
      }
      return offsets
    }
  }

  /// Deletes consumer groups that have no members any more, with their committed offsets.
  public func deleteGroups(_ names: [String], timeout: Duration = defaultTimeout) async throws(KafkaError) {
    guard !names.isEmpty else { return }
    try await request(RD_KAFKA_ADMIN_OP_DELETEGROUPS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      var groups = names.map { rd_kafka_DeleteGroup_new($0) }
      rd_kafka_DeleteGroups(client, &groups, groups.count, options, queue)
      for case .some(let group) in groups { rd_kafka_DeleteGroup_destroy(group) }
    } read: { event throws(KafkaError) in
      var count = 0
      guard let groups = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count) else {
        return
      }
      for index in 0..<count {
        guard let group = groups[index], let error = rd_kafka_group_result_error(group) else { continue }
        // The result owns this error.
        throw KafkaError(
          code: rd_kafka_error_code(error).rawValue, message: String(cString: rd_kafka_error_string(error)))
      }
    }
  }

  private static func checkTopics(
    _ topics: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int
  ) throws(KafkaError) {
    guard let topics else { return }
    for index in 0..<count {
      guard let topic = topics[index] else { continue }
      let code = rd_kafka_topic_result_error(topic)
      let name = rd_kafka_topic_result_name(topic).map { String(cString: $0) } ?? ""
      let text = rd_kafka_topic_result_error_string(topic).map { String(cString: $0) }
      try check(code, "topic \(name): \(text ?? String(cString: rd_kafka_err2str(code)))")
    }
  }
}
