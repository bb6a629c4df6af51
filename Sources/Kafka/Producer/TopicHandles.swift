import Crdkafka
import Synchronization

/// One `rd_kafka_topic_t` for each topic name in use, so that a record costs no conversion of its topic's name.
final class TopicHandles: Sendable {
  private struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  private struct State {
    var handles: [String: Handle] = [:]
    /// The one asked for last: nearly always there is one topic.
    var last: (name: String, handle: Handle)?
  }

  private let state = Mutex(State())

  /// Only within a use of `client`, which keeps it and thereby the returned handle valid.
  func handle(of topic: String, client: OpaquePointer) throws(KafkaError) -> OpaquePointer {
    let known = state.withLock { state -> Handle? in
      if let last = state.last, last.name == topic { return last.handle }
      guard let handle = state.handles[topic] else { return nil }
      state.last = (topic, handle)
      return handle
    }
    if let known { return known.pointer }
    guard TopicName.isValid(topic) else {
      throw KafkaError(
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        message: "\"\(topic.prefix(TopicName.charactersMax))\" is not a topic name: \(TopicName.rule)")
    }
    guard let created = rd_kafka_topic_new(client, topic, nil) else {
      throw KafkaError(rd_kafka_last_error())
    }
    let handle = Handle(pointer: created)
    let other = state.withLock { state in
      // Another thread may have been faster; librdkafka counts references to one topic object.
      if let other = state.handles[topic] { return other as Handle? }
      state.handles[topic] = handle
      return nil
    }
    guard let other else { return created }
    rd_kafka_topic_destroy(created)
    return other.pointer
  }

  /// When nobody uses the client any more, and before it is freed.
  func destroyAll() {
    let all = state.withLock { state in
      defer { state = State() }
      return Array(state.handles.values)
    }
    for handle in all { rd_kafka_topic_destroy(handle.pointer) }
  }
}

/// What Kafka accepts as a topic's name.
public enum TopicName {
  public static let charactersMax = 249
  static let rule = "1 to 249 characters of A-Z a-z 0-9 . _ -, and neither \".\" nor \"..\""

  public static func isValid(_ name: String) -> Bool {
    let bytes = name.utf8
    guard (1...charactersMax).contains(bytes.count), name != ".", name != ".." else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }
}
