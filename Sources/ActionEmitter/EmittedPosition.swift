import Kafka

/// Where an action stands in the topic, once Kafka has acknowledged it.
public struct EmittedPosition: Hashable, Sendable, CustomStringConvertible {
  public let partition: Int32
  public let offset: Int64
  /// The record's time in milliseconds since 1970: the broker's when the topic is set to `LogAppendTime`, else the
  /// emitter's; nil when the broker keeps none.
  public let timestampMilliseconds: Int64?

  public init(partition: Int32, offset: Int64, timestampMilliseconds: Int64?) {
    self.partition = partition
    self.offset = offset
    self.timestampMilliseconds = timestampMilliseconds
  }

  init(_ position: RecordPosition) {
    self.init(
      partition: position.partition, offset: position.offset, timestampMilliseconds: position.timestampMilliseconds)
  }

  public var description: String { "partition \(partition), offset \(offset)" }
}
