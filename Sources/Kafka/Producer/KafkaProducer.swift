public import Logging

/// Sends records: idempotent, acknowledged by all in-sync replicas, and with a bounded queue.
///
/// Sending hands the record to librdkafka's queue and returns; the outcome comes as a delivery report, to a callback
/// or to an awaiting task. When the queue is full, sending fails at once with `_QUEUE_FULL` and counts it
/// (`strandline_kafka_producer_queue_full_total`): nothing is dropped silently and nothing blocks.
///
/// May be used from any number of threads, also while another closes it.
public final class KafkaProducer: Sendable {
  public typealias DeliveryCallback = @Sendable (Result<RecordPosition, KafkaError>) -> Void

  private let core: ProducerCore

  /// What a closing client may need beyond the time given for flushing, before `close` returns without it.
  static let closeGrace: Duration = .seconds(10)

  /// Makes a producer. Does not wait for a broker: records can be queued before one is reachable.
  ///
  /// - Throws: `_INVALID_ARG` with librdkafka's message when the configuration is not valid
  public init(
    configuration: KafkaConfiguration, limits: ProducerLimits = ProducerLimits(),
    logger: Logger = Logger(label: "strandline.kafka.producer")
  ) throws(KafkaError) {
    core = try ProducerCore(configuration: configuration, limits: limits, logger: logger)
  }

  deinit {
    core.beginClose(flushTimeout: .zero)
  }

  /// Queues a record. Never blocks.
  ///
  /// - Parameters:
  ///   - partition: nil: chosen by the key's murmur2 hash, at random without a key
  ///   - timestampMilliseconds: since 1970; nil: now
  ///   - onDelivery: called once on the client's events thread, which it must not hold up
  /// - Throws: `_QUEUE_FULL` when the queue has reached its bound, `MSG_SIZE_TOO_LARGE`, `_UNKNOWN_PARTITION`,
  ///   a fatal error, `_DESTROY` after `close`. `onDelivery` is not called then.
  public func send(
    topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = [],
    timestampMilliseconds: Int64? = nil, onDelivery: DeliveryCallback? = nil
  ) throws(KafkaError) {
    let ticket = onDelivery.map { DeliveryTicket($0) }
    let result: Result<Void, KafkaError> = withRecordBytes(key) { key in
      withRecordBytes(value) { value in
        do throws(KafkaError) {
          try core.enqueue(
            topic: topic, partition: partition ?? -1, key: key, value: value, headers: .list(headers),
            timestampMilliseconds: timestampMilliseconds ?? 0, ticket: ticket)
          return .success(())
        } catch {
          return .failure(error)
        }
      }
    }
    try result.get()
  }

  /// Queues a record whose key and value lie in somebody else's memory, such as a consumed batch. They are copied
  /// before the call returns; otherwise as ``send(topic:partition:key:value:headers:timestampMilliseconds:onDelivery:)``.
  public func send(
    topic: String, partition: Int32? = nil, rawKey: UnsafeRawBufferPointer?, rawValue: UnsafeRawBufferPointer?,
    headers: [KafkaHeader] = [], timestampMilliseconds: Int64? = nil, onDelivery: DeliveryCallback? = nil
  ) throws(KafkaError) {
    try core.enqueue(
      topic: topic, partition: partition ?? -1, key: rawKey, value: rawValue, headers: .list(headers),
      timestampMilliseconds: timestampMilliseconds ?? 0, ticket: onDelivery.map { DeliveryTicket($0) })
  }

  /// Queues a record whose headers lie in one piece; otherwise as
  /// ``send(topic:partition:key:value:headers:timestampMilliseconds:onDelivery:)``.
  ///
  /// - Parameter timestampMilliseconds: since 1970; 0: now
  public func send(
    topic: String, key: [UInt8], value: [UInt8], packedHeaders: PackedHeaders, timestampMilliseconds: Int64 = 0,
    onDelivery: @escaping DeliveryCallback
  ) throws(KafkaError) {
    let result: Result<Void, KafkaError> = key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        Result { () throws(KafkaError) in
          try core.enqueue(
            topic: topic, partition: -1, key: key, value: value, headers: .packed(packedHeaders),
            timestampMilliseconds: timestampMilliseconds, ticket: DeliveryTicket(onDelivery))
        }
      }
    }
    try result.get()
  }

  /// Queues a record and waits until the broker has acknowledged it, or it has failed for good.
  ///
  /// The wait ends within `delivery.timeout.ms` (300,000 unless configured) or when the producer closes. Cancelling
  /// the task does not end it: the record cannot be called back.
  ///
  /// - Throws: what `send` throws, and what the delivery report says: `_MSG_TIMED_OUT`, `_PURGE_QUEUE`, an error of
  ///   the broker, …
  public func sendAcknowledged(
    topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = [],
    timestampMilliseconds: Int64? = nil
  ) async throws(KafkaError) -> RecordPosition {
    let result: Result<RecordPosition, KafkaError> = await withCheckedContinuation { continuation in
      do throws(KafkaError) {
        try send(
          topic: topic, partition: partition, key: key, value: value, headers: headers,
          timestampMilliseconds: timestampMilliseconds
        ) { continuation.resume(returning: $0) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  /// Queues several records and waits for all outcomes with a single suspension. One record's failure does not
  /// keep the others from being sent.
  ///
  /// - Returns: an outcome for each record, in the order given
  public func sendAcknowledged(_ records: [ProducerRecord]) async -> [Result<RecordPosition, KafkaError>] {
    guard !records.isEmpty else { return [] }
    return await withCheckedContinuation { continuation in
      let outcomes = BatchOutcomes(count: records.count) { continuation.resume(returning: $0) }
      for (index, record) in records.enumerated() {
        do throws(KafkaError) {
          try send(
            topic: record.topic, partition: record.partition, key: record.key, value: record.value,
            headers: record.headers, timestampMilliseconds: record.timestampMilliseconds
          ) { outcomes.set($0, at: index) }
        } catch {
          outcomes.set(.failure(error), at: index)
        }
      }
    }
  }

  /// Records that were accepted and whose outcome is not known yet.
  public var outstanding: Int { core.outstanding }

  /// The error after which this producer refuses everything and has to be replaced; nil while there is none.
  public var fatalError: KafkaError? { core.handle.events.fatalError }

  /// The latest error the client reported by itself, such as `_ALL_BROKERS_DOWN`; it stays until another comes.
  public var lastError: KafkaError? { core.handle.events.lastError }

  /// The latest statistics (every 5 s unless `statistics.interval.ms` says otherwise); nil before the first.
  public var statistics: KafkaStatistics? { core.handle.events.statistics }

  /// Sends what is queued without lingering and waits until it is acknowledged or the time has passed.
  ///
  /// - Returns: the number of records still outstanding, 0 when all outcomes are known
  @discardableResult
  public func flush(timeout: Duration) async -> Int {
    guard core.outstanding > 0 else { return 0 }
    return await runOnOwnThread(name: "kafka-flush") { [core] () throws(Never) in core.flush(timeout: timeout) }
  }

  /// Refuses new records, flushes, gives up what could not be delivered in time (its senders get `_PURGE_QUEUE` or
  /// `_PURGE_INFLIGHT`), and frees the client. May be called more than once, by anybody.
  ///
  /// Returns after `flushTimeout` plus 10 s at the latest, whatever state the brokers are in.
  ///
  /// - Returns: the number of records that were given up
  @discardableResult
  public func close(flushTimeout: Duration) async -> Int {
    core.beginClose(flushTimeout: flushTimeout)
    if await core.handle.closed.opened(within: flushTimeout.bounded + Self.closeGrace) { return core.givenUp }
    core.handle.events.logger.warning("the Kafka producer is still closing; its memory is freed later")
    return max(core.givenUp, core.outstanding)
  }
}
