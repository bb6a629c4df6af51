import Crdkafka
public import Logging

/// Reads records in batches, from partitions it is told (`assign`) or that a group gives it (`subscribe`).
///
/// `poll` blocks: call it on a thread of your own (``DedicatedThread``), one thread at a time, and keep calling it
/// while partitions are paused, or the group takes the consumer for dead (`max.poll.interval.ms`).
/// All other calls may come from any thread, also while another polls or closes; those with a timeout block.
///
/// Defaults that differ from librdkafka's: `enable.auto.commit=false`, `auto.offset.reset=error`,
/// `enable.partition.eof=true`, `partition.assignment.strategy=cooperative-sticky`, `queued.max.messages.kbytes=16384`.
public final class KafkaConsumer: Sendable {
  /// The most records that one poll returns.
  public static let pollRecordsMax = 100_000
  /// How long `close` waits for the group to be left before it returns without having freed the memory.
  static let closeGrace: Duration = .seconds(10)

  let core: ConsumerCore

  /// Makes a consumer. Does not wait for a broker.
  ///
  /// - Parameter group: needed to subscribe and to commit; nil for consumers that only assign
  /// - Throws: `_INVALID_ARG` with librdkafka's message when the configuration is not valid
  public init(
    configuration: KafkaConfiguration, group: ConsumerGroup? = nil,
    logger: Logger = Logger(label: "strandline.kafka.consumer")
  ) throws(KafkaError) {
    core = try ConsumerCore(configuration: configuration, group: group, logger: logger)
  }

  deinit {
    core.beginClose()
  }

  // MARK: What to read

  /// Reads exactly these partitions from now on, each from its start; an empty dictionary stops reading.
  ///
  /// - Parameter timeout: for looking up times, if there are any among the starts; else the call does not block
  public func assign(
    _ starts: [TopicPartition: Start], timeout: Duration = .seconds(10)
  ) throws(KafkaError) {
    try core.handle.use { client throws(KafkaError) in
      let offsets = try StartOffsets.resolve(starts, client: client, timeout: timeout)
      let list = try PartitionList(offsets)
      try check(rd_kafka_assign(client, list.list))
    }
  }

  /// Joins the group and reads the partitions it gives this member, from now on.
  ///
  /// - Parameters:
  ///   - topics: names, or regular expressions beginning with `^`; replace those subscribed before
  ///   - callbacks: called by `poll` when partitions come and go
  public func subscribe(
    topics: [String], callbacks: RebalanceCallbacks = RebalanceCallbacks()
  ) throws(KafkaError) {
    try core.handle.use { client throws(KafkaError) in
      core.callbacks.rebalances.set(callbacks)
      let list = try PartitionList(topics: topics)
      try check(rd_kafka_subscribe(client, list.list))
    }
  }

  /// Leaves the group. Its partitions are revoked by the next polls.
  public func unsubscribe() throws(KafkaError) {
    try core.handle.use { client throws(KafkaError) in try check(rd_kafka_unsubscribe(client)) }
  }

  /// The partitions it reads now, paused ones included.
  public func assignment() throws(KafkaError) -> [TopicPartition] {
    try core.handle.use { client throws(KafkaError) in
      var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
      try check(rd_kafka_assignment(client, &list))
      guard let list else { return [] }
      defer { rd_kafka_topic_partition_list_destroy(list) }
      return PartitionList.entries(of: list).map { TopicPartition($0) }
    }
  }

  // MARK: Reading

  /// Waits for records and returns what is there.
  ///
  /// Returns as soon as there is a record, an end of a partition or a failure; empty when the time has passed,
  /// when `wakeUp` was called, or (rarely) for no reason.
  ///
  /// - Parameters:
  ///   - maxRecords: 1 to ``pollRecordsMax``, clamped
  ///   - timeout: how long to wait for the first record, at most an hour
  ///   - gather: how long to wait for more when the batch is not full: fewer and larger batches for a little delay
  /// - Throws: `_DESTROY` after `close`
  public func poll(
    maxRecords: Int, timeout: Duration, gather: Duration = .zero
  ) throws(KafkaError) -> ConsumedBatch {
    try core.poll(maxRecords: maxRecords, timeout: timeout, gather: gather)
  }

  /// Makes a poll that is blocked return early; without one, the next. Never blocks. Does nothing after `close`.
  public func wakeUp() {
    try? core.wakeUp()
  }

  /// How many connections to brokers this consumer has opened. When it has not changed by the time a poll has
  /// returned, everything in the batch came over connections that were open before: no broker was lost, and came back,
  /// in between.
  public var connectionsOpened: UInt64 { core.callbacks.connections.count }

  // MARK: Health

  /// The error after which this consumer has to be replaced; nil while there is none.
  public var fatalError: KafkaError? { core.handle.events.fatalError }

  /// The latest error the client reported by itself, such as `_ALL_BROKERS_DOWN`; it stays until another comes.
  public var lastError: KafkaError? { core.handle.events.lastError }

  /// The latest statistics (every 5 s unless `statistics.interval.ms` says otherwise); nil before the first.
  public var statistics: KafkaStatistics? { core.handle.events.statistics }

  /// Ends a blocked poll, leaves the group (a static member stays in it) and frees the client. May be called more
  /// than once, by anybody. Commits nothing.
  ///
  /// Returns within about 10 s, whatever state the brokers are in. Batches that are still held stay valid.
  public func close() async {
    core.beginClose()
    if await core.handle.closed.opened(within: Self.closeGrace) { return }
    core.handle.events.logger.warning("the Kafka consumer is still closing; its memory is freed later")
  }
}
