/// Membership of a consumer group.
public struct ConsumerGroup: Hashable, Sendable {
  /// The group's name (`group.id`).
  public var id: String
  /// Makes the member a static one (`group.instance.id`, unique in the group): it keeps its partitions over a
  /// restart that is shorter than `session.timeout.ms`, and does not leave the group when it closes.
  public var instanceID: String?

  public init(id: String, instanceID: String? = nil) {
    self.id = id
    self.instanceID = instanceID
  }
}

/// Where to begin reading a partition.
public enum Start: Hashable, Sendable {
  /// The record with this offset, or the first one after it.
  case offset(Int64)
  /// The first record that is still there.
  case beginning
  /// Behind the last record: only what comes from now on.
  case end
  /// The first record at or after this time, milliseconds since 1970; the end when there is none.
  /// The embedded broker cannot look up times.
  case time(milliseconds: Int64)
  /// Where the group's committed offset points. Without one the partition fails with `_AUTO_OFFSET_RESET`, unless
  /// `auto.offset.reset` says otherwise.
  case committed

  /// librdkafka's number for it; nil for a time, which the broker has to look up first.
  var offset: Int64? {
    switch self {
    case .offset(let offset): offset
    case .beginning: LogicalOffset.beginning
    case .end: LogicalOffset.end
    case .committed: LogicalOffset.stored
    case .time: nil
    }
  }
}

/// The first offset of a partition and the one its next record will get.
public struct Watermarks: Hashable, Sendable {
  public let low: Int64
  public let high: Int64

  public init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }
}

/// Called within ``KafkaConsumer/poll(maxRecords:timeout:gather:)`` (and while closing), on its thread, when the
/// group moves partitions. They may use the consumer, but not poll; while it closes, its calls throw `_DESTROY`, so
/// commit before closing.
public struct RebalanceCallbacks: Sendable {
  /// Partitions this member gets, and where to begin each; those left out begin at ``Start/committed``.
  public var assigned: @Sendable ([TopicPartition]) -> [TopicPartition: Start]
  /// Partitions this member gives up. `lost`: the group has given them to others already, so that nothing can be
  /// committed for them any more.
  public var revoked: @Sendable (_ partitions: [TopicPartition], _ lost: Bool) -> Void

  public init(
    assigned: @escaping @Sendable ([TopicPartition]) -> [TopicPartition: Start] = { _ in [:] },
    revoked: @escaping @Sendable (_ partitions: [TopicPartition], _ lost: Bool) -> Void = { _, _ in }
  ) {
    self.assigned = assigned
    self.revoked = revoked
  }
}
