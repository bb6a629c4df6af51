/// One partition of a topic.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let topic: String
  public let partition: Int32

  public init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// `topic[3]`.
  public var description: String { "\(topic)[\(partition)]" }

  public static func < (left: Self, right: Self) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}

/// Where a record stands in its topic once the broker has it.
public struct RecordPosition: Hashable, Sendable {
  public let partition: Int32
  public let offset: Int64
  /// The record's time in milliseconds since 1970: the broker's when the topic is set to `LogAppendTime`, else the
  /// producer's; nil when the broker keeps none.
  public let timestampMilliseconds: Int64?

  public init(partition: Int32, offset: Int64, timestampMilliseconds: Int64?) {
    self.partition = partition
    self.offset = offset
    self.timestampMilliseconds = timestampMilliseconds
  }
}

/// A header of a record. Names may repeat; a value may be null, which differs from empty.
public struct KafkaHeader: Hashable, Sendable {
  public let key: String
  public let value: [UInt8]?

  public init(key: String, value: [UInt8]?) {
    self.key = key
    self.value = value
  }

  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = Array(value.utf8)
  }
}

/// A record's time and who set it.
public enum RecordTimestamp: Hashable, Sendable {
  /// The producer's clock, milliseconds since 1970.
  case createTime(milliseconds: Int64)
  /// The broker's clock, milliseconds since 1970.
  case logAppendTime(milliseconds: Int64)
  /// The broker keeps none.
  case unavailable

  /// Milliseconds since 1970, whoever set them.
  public var milliseconds: Int64? {
    switch self {
    case .createTime(let milliseconds), .logAppendTime(let milliseconds): milliseconds
    case .unavailable: nil
    }
  }
}
