import Crdkafka
public import Logging
import Synchronization

/// A Kafka cluster in this process: librdkafka's mock cluster, which speaks the real protocol on loopback, on ports
/// of its own choosing, to any client (kcat too), with faults on demand.
///
/// What it is not: each partition keeps only about 5 MiB or 100,000 records, the oldest are dropped; nothing is kept
/// on disk; there is no Admin API, no look-up of offsets by time, no deletion of records, no isolation of transactions;
/// topics nobody created come into being at first use, with 4 partitions; a group's rebalance takes about its session
/// timeout.
public final class EmbeddedBroker: Sendable {
  /// Kafka's numbers of the requests whose answers can be made to fail
  /// (https://kafka.apache.org/protocol#protocol_api_keys).
  public enum Request: Int16, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case apiVersions = 18
    case initProducerID = 22
  }

  /// The most partitions a topic may have here; a bound against slips, not one of librdkafka.
  public static let partitionsMax: Int32 = 1_000

  private let cluster: Cluster
  /// Where clients begin: `127.0.0.1:port`, one for each broker, separated by commas.
  public let bootstrapServers: String

  /// Starts brokers with the ids 1 to `brokers`.
  ///
  /// - Parameter brokers: 1 to 100
  public init(
    brokers: Int = 1, logger: Logger = Logger(label: "strandline.kafka.embedded-broker")
  ) throws(KafkaError) {
    guard (1...100).contains(brokers) else { throw .invalidArgument("1 to 100 brokers, not \(brokers)") }
    cluster = try Cluster(brokers: Int32(brokers), logger: logger)
    bootstrapServers = rd_kafka_mock_cluster_bootstraps(cluster.pointer).map { String(cString: $0) } ?? ""
  }

  deinit {
    cluster.beginClose()
  }

  /// A configuration for clients of this cluster.
  public var configuration: KafkaConfiguration { KafkaConfiguration(bootstrapServers: bootstrapServers) }

  /// Creates a topic. Fails with `TOPIC_ALREADY_EXISTS` when a client has used it already.
  public func createTopic(_ name: String, partitions: Int32, replicationFactor: Int32 = 1) throws(KafkaError) {
    guard TopicName.isValid(name) else { throw KafkaError(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) }
    guard (1...Self.partitionsMax).contains(partitions), replicationFactor >= 1 else {
      throw .invalidArgument("a topic has 1 to \(Self.partitionsMax) partitions and at least 1 replica")
    }
    try cluster.use { rd_kafka_mock_topic_create($0, name, partitions, replicationFactor) }
  }

  /// Lets the next requests of a kind fail, one for each code, in this order. `_TRANSPORT` cuts the connection.
  public func pushErrors(_ request: Request, _ codes: [Int32]) throws(KafkaError) {
    let errors = codes.map { rd_kafka_resp_err_t($0) }
    try cluster.use { cluster in
      errors.withUnsafeBufferPointer {
        rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, $0.count, $0.baseAddress)
      }
      return RD_KAFKA_RESP_ERR_NO_ERROR
    }
  }

  /// Forgets errors that were pushed and have not occurred yet.
  public func clearErrors(_ request: Request) throws(KafkaError) {
    try cluster.use {
      rd_kafka_mock_clear_request_errors($0, request.rawValue)
      return RD_KAFKA_RESP_ERR_NO_ERROR
    }
  }

  /// Cuts the connections of a broker (-1: of all) and refuses new ones, or accepts them again. Leaders stay.
  public func setBroker(_ id: Int32, isUp: Bool) throws(KafkaError) {
    try cluster.use { isUp ? rd_kafka_mock_broker_set_up($0, id) : rd_kafka_mock_broker_set_down($0, id) }
  }

  /// Moves a partition to another broker; nil leaves it without a leader.
  public func setLeader(of partition: TopicPartition, to broker: Int32?) throws(KafkaError) {
    try cluster.use {
      rd_kafka_mock_partition_set_leader($0, partition.topic, partition.partition, broker ?? -1)
    }
  }

  /// Delays all answers of a broker (-1: of all).
  public func setRoundTripTime(_ time: Duration, broker: Int32 = -1) throws(KafkaError) {
    try cluster.use { rd_kafka_mock_broker_set_rtt($0, broker, time.cMilliseconds()) }
  }

  /// Lets every metadata request for a topic fail; nil: no longer.
  public func setTopicError(_ topic: String, _ code: Int32?) throws(KafkaError) {
    try cluster.use {
      rd_kafka_mock_topic_set_error($0, topic, rd_kafka_resp_err_t(code ?? 0))
      return RD_KAFKA_RESP_ERR_NO_ERROR
    }
  }

  /// Makes a broker the coordinator of a group.
  public func setCoordinator(ofGroup group: String, to broker: Int32) throws(KafkaError) {
    try cluster.use { rd_kafka_mock_coordinator_set($0, "group", group, broker) }
  }

  /// Stops the brokers; what they hold is gone. Calls after it throw `_DESTROY`. May be called more than once.
  public func close() async {
    cluster.beginClose()
    _ = await cluster.closed.opened(within: .seconds(10))
  }
}

/// The owner of the mock cluster and of the client that librdkafka wants for its threads and timers.
private final class Cluster: @unchecked Sendable {
  let pointer: OpaquePointer
  private let handle: ClientHandle

  init(brokers: Int32, logger: Logger) throws(KafkaError) {
    guard let configuration = rd_kafka_conf_new() else { throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) }
    rd_kafka_conf_set(configuration, "log.queue", "true", nil, 0)
    rd_kafka_conf_set(configuration, "client.id", "strandline-embedded-broker", nil, 0)
    // Warnings and worse; it would else remark that the client it lives in has no servers to connect to.
    rd_kafka_conf_set(configuration, "log_level", "4", nil, 0)
    handle = try ClientHandle(
      kind: RD_KAFKA_PRODUCER, role: "embedded broker", configuration: configuration,
      events: ClientEvents(logger: logger, metrics: ClientMetrics(role: "embedded broker")))
    guard let cluster = rd_kafka_mock_cluster_new(handle.pointer, brokers) else {
      handle.beginClose()
      throw KafkaError(
        RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, message: "the embedded broker could not be started on loopback")
    }
    pointer = cluster
  }

  func use(_ body: (OpaquePointer) -> rd_kafka_resp_err_t) throws(KafkaError) {
    try handle.use { _ throws(KafkaError) in try check(body(pointer)) }
  }

  func beginClose() {
    handle.beginClose(goodbye: { _ in rd_kafka_mock_cluster_destroy(self.pointer) })
  }

  /// Open once the client that carried the cluster has been freed.
  var closed: Latch { handle.closed }
}
