import Crdkafka
import Logging
import Metrics
import Synchronization

/// The producer's C handle with what belongs to its records on their way. Outlives ``KafkaProducer`` until the last
/// delivery report has been served.
final class ProducerCore: Sendable {
  let handle: ClientHandle
  private let topics = TopicHandles()
  private let deliveries: Deliveries
  private let queueFull: KafkaError
  private let refusals: Counter
  private let undelivered = Atomic<Int>(0)

  /// `RD_KAFKA_MSG_F_COPY`: librdkafka copies key and value before the call returns.
  private static let copyFlag: Int32 = 0x2

  init(configuration: KafkaConfiguration, limits: ProducerLimits, logger: Logger) throws(KafkaError) {
    try configuration.checkBootstrapServers()
    let native = try NativeConfiguration.make(
      from: configuration,
      defaults: [
        "client.id": "strandline",
        "enable.idempotence": "true",
        "acks": "all",
        // What JVM producers do; librdkafka's own default is another hash.
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": String(limits.queuedRecordsMax),
        "queue.buffering.max.kbytes": String(limits.queuedKilobytesMax),
        "statistics.interval.ms": "5000",
      ],
      required: ["log.queue": "true"])
    let metrics = ClientMetrics(role: "producer")
    let deliveries = Deliveries()
    self.deliveries = deliveries
    handle = try ClientHandle(
      kind: RD_KAFKA_PRODUCER, role: "producer", configuration: native,
      events: ClientEvents(logger: logger, metrics: metrics) { deliveries.serve($0) })
    queueFull = KafkaError(
      code: KafkaError.Code.queueFull,
      message: "the producer's queue is full (queue.buffering.max.messages, queue.buffering.max.kbytes)")
    refusals = Counter(label: "strandline_kafka_producer_queue_full_total")
  }

  /// Accepted records whose outcome has not been reported yet.
  var outstanding: Int { deliveries.outstanding }

  /// Hands a record to librdkafka, which copies it. Never blocks.
  func enqueue(
    topic: String, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
    headers: RecordHeaders, timestampMilliseconds: Int64, ticket: DeliveryTicket?
  ) throws(KafkaError) {
    try handle.use { client throws(KafkaError) in
      let topic = try topics.handle(of: topic, client: client)
      let opaque = ticket?.retainedPointer()
      deliveries.accepted()
      let error: KafkaError?
      if headers.isEmpty && timestampMilliseconds == 0 {
        error = producePlain(topic, partition, key, value, opaque)
      } else {
        error = produce(client, topic, partition, key, value, headers, timestampMilliseconds, opaque)
      }
      guard let error else { return }
      deliveries.refused()
      if let opaque { DeliveryTicket.release(opaque) }
      throw error
    }
  }

  @inline(__always)
  private func producePlain(
    _ topic: OpaquePointer, _ partition: Int32, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
    _ opaque: UnsafeMutableRawPointer?
  ) -> KafkaError? {
    let result = rd_kafka_produce(
      topic, partition, Self.copyFlag, recordStart(value), value?.count ?? 0, recordStart(key), key?.count ?? 0,
      opaque)
    if result == 0 { return nil }
    let code = rd_kafka_last_error()
    return refusal(code, message: nil)
  }

  private func produce(
    _ client: OpaquePointer, _ topic: OpaquePointer, _ partition: Int32, _ key: UnsafeRawBufferPointer?,
    _ value: UnsafeRawBufferPointer?, _ headers: RecordHeaders, _ timestampMilliseconds: Int64,
    _ opaque: UnsafeMutableRawPointer?
  ) -> KafkaError? {
    var list: OpaquePointer?
    if !headers.isEmpty {
      list = NativeHeaders.make(headers)
      guard list != nil else { return .invalidArgument("the record's headers could not be set") }
    }
    let error = withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { fields -> OpaquePointer? in
      var count = 0
      func add(_ kind: rd_kafka_vtype_t, _ value: rd_kafka_vu_t.__Unnamed_union_u) {
        fields.initializeElement(at: count, to: rd_kafka_vu_t(vtype: kind, u: value))
        count += 1
      }
      add(RD_KAFKA_VTYPE_RKT, .init(rkt: topic))
      add(RD_KAFKA_VTYPE_PARTITION, .init(i32: partition))
      add(RD_KAFKA_VTYPE_MSGFLAGS, .init(i: Self.copyFlag))
      add(RD_KAFKA_VTYPE_VALUE, .init(mem: .init(ptr: recordStart(value), size: value?.count ?? 0)))
      add(RD_KAFKA_VTYPE_KEY, .init(mem: .init(ptr: recordStart(key), size: key?.count ?? 0)))
      add(RD_KAFKA_VTYPE_OPAQUE, .init(ptr: opaque))
      add(RD_KAFKA_VTYPE_TIMESTAMP, .init(i64: timestampMilliseconds))
      if let list { add(RD_KAFKA_VTYPE_HEADERS, .init(headers: list)) }
      return rd_kafka_produceva(client, fields.baseAddress, count)
    }
    guard let error else { return nil }  // librdkafka owns the headers now
    if let list { rd_kafka_headers_destroy(list) }
    let refused = KafkaError(consuming: error)
    return refusal(rd_kafka_resp_err_t(refused.code), message: refused.message)
  }

  private func refusal(_ code: rd_kafka_resp_err_t, message: String?) -> KafkaError {
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL {
      refusals.increment()
      return queueFull
    }
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = handle.events.fatalError { return fatal }
    return KafkaError(code, message: message)
  }

  /// Blocks until nothing is outstanding, the time has passed, or closing has begun.
  func flush(timeout: Duration) -> Int {
    let deadline = ContinuousClock.now + timeout.bounded
    // In slices, so that a close does not wait for somebody else's long flush.
    let slice: Duration = .milliseconds(100)
    while outstanding > 0, !handle.isClosed {
      let left = deadline - .now
      guard left > .zero else { break }
      do {
        _ = try handle.use { rd_kafka_flush($0, min(slice, left).cMilliseconds()) }
      } catch {
        break
      }
    }
    return outstanding
  }

  func beginClose(flushTimeout: Duration) {
    handle.beginClose(goodbye: { [self] handle in
      if outstanding > 0, flushTimeout > .zero {
        rd_kafka_flush(handle.pointer, flushTimeout.cMilliseconds())
      }
      undelivered.store(outstanding, ordering: .releasing)
      // Every report is served, with _PURGE_QUEUE or _PURGE_INFLIGHT, so that no sender waits for ever.
      while outstanding > 0 {
        rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_flush(handle.pointer, 100)
      }
      topics.destroyAll()
    })
  }

  /// Records that closing gave up. Meaningful once closing has got that far.
  var givenUp: Int { undelivered.load(ordering: .acquiring) }
}
