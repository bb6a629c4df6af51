import Crdkafka

/// librdkafka's configuration object, from ours.
enum NativeConfiguration {
  /// Properties with which this package could not keep its promises, and why.
  private static let refused: [String: String] = [
    "delivery.report.only.error": "callers wait for the reports of records that were delivered",
    "dr_cb": "delivery reports are served as events",
  ]

  /// - Parameters:
  ///   - defaults: set first; the user's properties override them
  ///   - required: set last; they override the user's
  /// - Returns: an object that the caller must give to `rd_kafka_new` or to ``destroy(_:)``
  static func make(
    from configuration: KafkaConfiguration, defaults: [String: String], required: [String: String]
  ) throws(KafkaError) -> OpaquePointer {
    guard let native = rd_kafka_conf_new() else { throw .invalidArgument("no memory for a configuration") }
    do throws(KafkaError) {
      for (name, value) in defaults { try set(name, value, in: native) }
      // Sorted, so that of several wrong properties always the same one is reported.
      for (name, value) in configuration.properties.sorted(by: { $0.key < $1.key }) {
        if let reason = refused[name] {
          throw .invalidArgument("\(name) cannot be set here: \(reason)")
        }
        if KafkaConfiguration.bootstrapNames.contains(name) {
          if value == configuration.bootstrapServers { continue }
          throw .invalidArgument("\(name) is given twice: as a property and as bootstrapServers")
        }
        try set(name, value, in: native)
      }
      try set("bootstrap.servers", configuration.bootstrapServers, in: native)
      for (name, value) in required { try set(name, value, in: native) }
    } catch {
      rd_kafka_conf_destroy(native)
      throw error
    }
    return native
  }

  static func destroy(_ native: OpaquePointer) {
    rd_kafka_conf_destroy(native)
  }

  private static func set(_ name: String, _ value: String, in native: OpaquePointer) throws(KafkaError) {
    guard !name.utf8.contains(0), !value.utf8.contains(0) else {
      throw .invalidArgument("property \"\(name)\" holds a NUL byte")
    }
    let capacity = 512
    let (result, text) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      buffer -> (rd_kafka_conf_res_t, String) in
      buffer.initialize(repeating: 0)
      let result = rd_kafka_conf_set(native, name, value, buffer.baseAddress, capacity)
      return (result, buffer.baseAddress.map { String(cString: $0) } ?? "")
    }
    if result == RD_KAFKA_CONF_OK { return }
    var message = text.isEmpty ? "\(name) is not valid" : text
    while message.last?.isWhitespace == true { message.removeLast() }
    if KafkaConfiguration.isSecret(name) {
      message = "the value of \"\(name)\" (\(KafkaConfiguration.redacted)) is not valid"
    }
    if result == RD_KAFKA_CONF_UNKNOWN, let near = nearestName(to: name) {
      message += " (did you mean \"\(near)\"?)"
    }
    throw .invalidArgument(message)
  }

  /// The known property whose name differs least, when it is near enough to be meant.
  private static func nearestName(to name: String) -> String? {
    guard let native = rd_kafka_conf_new() else { return nil }
    defer { rd_kafka_conf_destroy(native) }
    guard let topic = rd_kafka_topic_conf_new() else { return nil }
    defer { rd_kafka_topic_conf_destroy(topic) }
    var known: [String] = []
    var count = 0
    for topicLevel in [false, true] {
      let dump = topicLevel ? rd_kafka_topic_conf_dump(topic, &count) : rd_kafka_conf_dump(native, &count)
      guard let dump else { continue }
      defer { rd_kafka_conf_dump_free(dump, count) }
      for index in stride(from: 0, to: count, by: 2) {
        if let entry = dump[index] { known.append(String(cString: entry)) }
      }
    }
    // Those without a default value are not in the dump.
    known += ["group.id", "group.instance.id", "client.rack", "sasl.username", "sasl.password", "ssl.ca.location"]
    let nearest = known.map { (name: $0, distance: editDistance(Array(name.utf8), Array($0.utf8))) }
      .min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= max(2, name.utf8.count / 4) else { return nil }
    return nearest.name
  }

  /// Levenshtein's distance: insertions, deletions and substitutions of bytes.
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let cost = a == b ? diagonal : diagonal + 1
        diagonal = row[j + 1]
        row[j + 1] = min(cost, min(row[j], diagonal) + 1)
      }
    }
    return row[right.count]
  }
}
