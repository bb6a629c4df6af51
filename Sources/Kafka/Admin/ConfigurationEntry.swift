import Crdkafka

/// A setting of a topic or a broker.
public struct ConfigurationEntry: Sendable, Hashable {
  public let name: String
  /// Nil when the broker keeps it to itself, as it does with sensitive ones.
  public let value: String?
  /// Whether nobody has set it for this very topic or broker.
  public let isDefault: Bool
  public let isReadOnly: Bool
  public let isSensitive: Bool
}

extension KafkaAdmin {
  /// The settings of a topic, sorted by name.
  ///
  /// - Throws: `UNKNOWN_TOPIC_OR_PART`, `TOPIC_AUTHORIZATION_FAILED`, …
  public func describeConfiguration(
    topic: String, timeout: Duration = defaultTimeout
  ) async throws(KafkaError) -> [ConfigurationEntry] {
    try await describeConfiguration(RD_KAFKA_RESOURCE_TOPIC, topic, timeout)
  }

  /// The settings of a broker, sorted by name.
  public func describeConfiguration(
    broker: Int32, timeout: Duration = defaultTimeout
  ) async throws(KafkaError) -> [ConfigurationEntry] {
    try await describeConfiguration(RD_KAFKA_RESOURCE_BROKER, String(broker), timeout)
  }

  private func describeConfiguration(
    _ kind: rd_kafka_ResourceType_t, _ name: String, _ timeout: Duration
  ) async throws(KafkaError) -> [ConfigurationEntry] {
    guard !name.isEmpty else { throw .invalidArgument("a topic's name is not empty") }
    return try await request(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout: timeout) {
      (client, options, queue) throws(KafkaError) in
      guard let resource = rd_kafka_ConfigResource_new(kind, name) else {
        throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
      }
      defer { rd_kafka_ConfigResource_destroy(resource) }
      var resources: [OpaquePointer?] = [resource]
      rd_kafka_DescribeConfigs(client, &resources, 1, options, queue)
    } read: { event throws(KafkaError) in
      var count = 0
      let answer = rd_kafka_event_DescribeConfigs_result(event)
      guard let resources = rd_kafka_DescribeConfigs_result_resources(answer, &count), count > 0,
        let resource = resources[0]
      else { return [] }
      let text = rd_kafka_ConfigResource_error_string(resource).map { String(cString: $0) }
      try check(rd_kafka_ConfigResource_error(resource), text)
      var entryCount = 0
      guard let entries = rd_kafka_ConfigResource_configs(resource, &entryCount) else { return [] }
      return (0..<entryCount).compactMap { entries[$0].map { ConfigurationEntry($0) } }.sorted { $0.name < $1.name }
    }
  }
}

extension ConfigurationEntry {
  fileprivate init(_ native: OpaquePointer) {
    name = rd_kafka_ConfigEntry_name(native).map { String(cString: $0) } ?? ""
    value = rd_kafka_ConfigEntry_value(native).map { String(cString: $0) }
    isDefault = rd_kafka_ConfigEntry_is_default(native) == 1
    isReadOnly = rd_kafka_ConfigEntry_is_read_only(native) == 1
    isSensitive = rd_kafka_ConfigEntry_is_sensitive(native) == 1
  }
}
