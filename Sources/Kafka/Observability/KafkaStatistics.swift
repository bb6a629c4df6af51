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
    /// Records between the consumer's position and the end it may read to; negative when not known.
    public let lag: Int64
    /// Records fetched and not polled yet.
    public let fetchedRecords: Int
    /// Bytes of the same.
    public let fetchedBytes: Int

    enum CodingKeys: String, CodingKey {
      case partition
      case isDesired = "desired"
      case lowOffset = "lo_offset"
      case highOffset = "hi_offset"
      case lag = "consumer_lag"
      case fetchedRecords = "fetchq_cnt"
      case fetchedBytes = "fetchq_size"
    }
  }

  /// Brokers with a connection that is up.
  public var brokersUp: Int { brokers.values.count { $0.isUp && $0.nodeID >= 0 } }

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
