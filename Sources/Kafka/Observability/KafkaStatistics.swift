import Foundation

/// The part of librdkafka's statistics that this package reads
/// (https://github.com/confluentinc/librdkafka/blob/v2.0.2/STATISTICS.md).
public struct KafkaStatistics: Sendable, Decodable {
  /// Records in the producer's queue and on their way.
  public let queuedRecords: Int
  /// Bytes of the same.
  public let queuedBytes: Int
  /// By the name librdkafka gives a broker: `127.0.0.1:9092/1`.
  public let brokers: [String: Broker]
  public let topics: [String: Topic]

  public struct Broker: Sendable, Decodable {
    /// The broker's id; -1 for a bootstrap server whose id is not known yet.
    public let nodeID: Int32
    /// `UP` when connected; else `INIT`, `DOWN`, `TRY_CONNECT`, `CONNECT`, `AUTH_REQ`, …
    public let state: String
    /// How long requests take; nil before the first.
    public let roundTrip: RoundTrip?

    public var isUp: Bool { state == "UP" || state == "UPDATE" }

    enum CodingKeys: String, CodingKey {
      case nodeID = "nodeid"
      case state
      case roundTrip = "rtt"
    }
  }

  public struct RoundTrip: Sendable, Decodable {
    public let averageMicroseconds: Int
    public let percentile99Microseconds: Int

    enum CodingKeys: String, CodingKey {
      case averageMicroseconds = "avg"
      case percentile99Microseconds = "p99"
    }
  }

  public struct Topic: Sendable, Decodable {
    /// By partition number as text; "-1" is librdkafka's own for records without a partition yet.
    public let partitions: [String: Partition]
  }

  public struct Partition: Sendable, Decodable {
    public let partition: Int32
    /// Whether the consumer is assigned it.
    public let isDesired: Bool
    /// First offset in the partition; negative when not known.
    public let lowOffset: Int64
    /// The offset that the partition's next record will get; negative when not known.
    public let highOffset: Int64
    /// Records fetched and not polled yet.
    public let fetchedRecords: Int
    /// Bytes of the same.
    public let fetchedBytes: Int

    /// The end a reader of committed records may read to; negative when not known.
    let stableOffset: Int64
    /// The offset behind the last record polled; negative before the first.
    let polledOffset: Int64
    /// The offset to be fetched next; negative when not known.
    let nextOffset: Int64

    /// Offsets between the consumer's position and the end it may read to; negative when not known.
    ///
    /// librdkafka's own figure counts from the committed offset, which readers that keep their offsets themselves
    /// do not have.
    public var lag: Int64 {
      let position = polledOffset >= 0 ? polledOffset : (fetchedRecords == 0 ? nextOffset : -1)
      let end = stableOffset >= 0 ? stableOffset : highOffset
      return position >= 0 && end >= 0 ? max(0, end - position) : -1
    }

    enum CodingKeys: String, CodingKey {
      case partition
      case isDesired = "desired"
      case lowOffset = "lo_offset"
      case highOffset = "hi_offset"
      case stableOffset = "ls_offset"
      case polledOffset = "app_offset"
      case nextOffset = "next_offset"
      case fetchedRecords = "fetchq_cnt"
      case fetchedBytes = "fetchq_size"
    }
  }

  /// Brokers with a connection that is up. A group's coordinator is listed twice, but is one broker.
  public var brokersUp: Int { Set(brokers.values.filter { $0.isUp && $0.nodeID >= 0 }.map(\.nodeID)).count }

  enum CodingKeys: String, CodingKey {
    case queuedRecords = "msg_cnt"
    case queuedBytes = "msg_size"
    case brokers
    case topics
  }

  init?(json: UnsafePointer<CChar>) {
    let data = Data(bytes: json, count: strlen(json))
    guard let decoded = try? JSONDecoder().decode(KafkaStatistics.self, from: data) else { return nil }
    self = decoded
  }
}
