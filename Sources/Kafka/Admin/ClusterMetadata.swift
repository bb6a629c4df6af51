import Crdkafka

/// Brokers and topics of a cluster.
public struct ClusterMetadata: Sendable, Hashable {
  public struct Broker: Sendable, Hashable {
    public let id: Int32
    public let host: String
    public let port: Int32
  }

  public struct Topic: Sendable, Hashable {
    public let name: String
    /// Ascending by id.
    public let partitions: [Partition]
    /// Why the topic's partitions are not known; nil when they are.
    public let error: KafkaError?
  }

  public struct Partition: Sendable, Hashable {
    public let id: Int32
    /// The broker that serves it; nil when there is none now.
    public let leader: Int32?
    public let replicas: [Int32]
    public let inSyncReplicas: [Int32]
    public let error: KafkaError?
  }

  /// Ascending by id.
  public let brokers: [Broker]
  /// Ascending by name.
  public let topics: [Topic]

  /// The topic, or the reason why there is none.
  func requireTopic(_ name: String) throws(KafkaError) -> Topic {
    guard let topic = topics.first(where: { $0.name == name }) else {
      throw KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    }
    if let error = topic.error { throw error }
    return topic
  }

  /// Asks a broker; blocks. All topics when `topic` is nil.
  static func fetch(
    client: OpaquePointer, topic: String?, timeout: Duration
  ) throws(KafkaError) -> ClusterMetadata {
    var only: OpaquePointer?
    if let topic {
      guard TopicName.isValid(topic) else { throw KafkaError(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) }
      only = rd_kafka_topic_new(client, topic, nil)
      guard only != nil else { throw KafkaError(rd_kafka_last_error()) }
    }
    defer { if let only { rd_kafka_topic_destroy(only) } }
    var found: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(client, topic == nil ? 1 : 0, only, &found, max(1, timeout.cMilliseconds()))
    try check(code, "the cluster's metadata could not be had: \(String(cString: rd_kafka_err2str(code)))")
    guard let found else { throw KafkaError(RD_KAFKA_RESP_ERR__FAIL) }
    defer { rd_kafka_metadata_destroy(found) }
    return ClusterMetadata(found.pointee)
  }

  private init(_ native: rd_kafka_metadata) {
    brokers = UnsafeBufferPointer(start: native.brokers, count: Int(native.broker_cnt))
      .map { Broker(id: $0.id, host: $0.host.map { String(cString: $0) } ?? "", port: $0.port) }
      .sorted { $0.id < $1.id }
    topics = UnsafeBufferPointer(start: native.topics, count: Int(native.topic_cnt))
      .map { Topic($0) }
      .sorted { $0.name < $1.name }
  }
}

extension ClusterMetadata.Topic {
  fileprivate init(_ native: rd_kafka_metadata_topic) {
    name = native.topic.map { String(cString: $0) } ?? ""
    error = native.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(native.err)
    partitions = UnsafeBufferPointer(start: native.partitions, count: Int(native.partition_cnt))
      .map { partition in
        ClusterMetadata.Partition(
          id: partition.id, leader: partition.leader >= 0 ? partition.leader : nil,
          replicas: Array(UnsafeBufferPointer(start: partition.replicas, count: Int(partition.replica_cnt))),
          inSyncReplicas: Array(UnsafeBufferPointer(start: partition.isrs, count: Int(partition.isr_cnt))),
          error: partition.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(partition.err))
      }
      .sorted { $0.id < $1.id }
  }
}
