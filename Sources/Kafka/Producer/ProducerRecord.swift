/// A record to be sent.
public struct ProducerRecord: Sendable {
  public var topic: String
  /// Nil: chosen by the key's murmur2 hash, as JVM producers do; at random without a key.
  public var partition: Int32?
  public var key: [UInt8]?
  /// Nil is a null value ("tombstone"), which differs from an empty one.
  public var value: [UInt8]?
  public var headers: [KafkaHeader]
  /// Milliseconds since 1970; nil: now. Topics with `LogAppendTime` replace it by the broker's time.
  public var timestampMilliseconds: Int64?

  public init(
    topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = [],
    timestampMilliseconds: Int64? = nil
  ) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.value = value
    self.headers = headers
    self.timestampMilliseconds = timestampMilliseconds
  }
}

/// How many records a producer may hold that no broker has acknowledged yet. A record more is refused.
public struct ProducerLimits: Sendable, Hashable {
  /// Records (`queue.buffering.max.messages`), at least 1.
  public var queuedRecordsMax: Int32
  /// Kilobytes of 1,024 bytes (`queue.buffering.max.kbytes`), at least 1.
  public var queuedKilobytesMax: Int32

  public init(queuedRecordsMax: Int32 = 100_000, queuedKilobytesMax: Int32 = 65_536) {
    self.queuedRecordsMax = queuedRecordsMax
    self.queuedKilobytesMax = queuedKilobytesMax
  }
}
