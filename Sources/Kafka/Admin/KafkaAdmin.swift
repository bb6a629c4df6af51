import Crdkafka
public import Logging

/// Looks at a cluster and changes its topics. Every call waits on a thread of its own, never on Swift's pool, and ends
/// within its timeout. The embedded broker answers ``metadata(topic:timeout:)`` only.
public final class KafkaAdmin: Sendable {
  /// How long calls wait where the caller says nothing.
  public static let defaultTimeout: Duration = .seconds(30)

  private let handle: ClientHandle

  /// Makes an admin client. Does not wait for a broker.
  public init(
    configuration: KafkaConfiguration, logger: Logger = Logger(label: "strandline.kafka.admin")
  ) throws(KafkaError) {
    try configuration.checkBootstrapServers()
    let native = try NativeConfiguration.make(
      from: configuration, defaults: ["client.id": "strandline"], required: ["log.queue": "true"])
    handle = try ClientHandle(
      kind: RD_KAFKA_PRODUCER, role: "admin client", configuration: native,
      events: ClientEvents(logger: logger, metrics: ClientMetrics(role: "admin")))
  }

  deinit {
    handle.beginClose()
  }

  /// Frees the client. Calls under way end with an error. Returns within about 10 s in any state of the brokers.
  public func close() async {
    handle.beginClose()
    _ = await handle.closed.opened(within: KafkaConsumer.closeGrace)
  }

  /// Brokers, topics, partitions and their leaders.
  ///
  /// - Parameter topic: only this one; nil for all. Brokers that create topics by themselves may do so on being asked.
  public func metadata(
    topic: String? = nil, timeout: Duration = defaultTimeout
  ) async throws(KafkaError) -> ClusterMetadata {
    try await runOnOwnThread(name: "kafka-admin") { [handle] () throws(KafkaError) in
      try handle.use { client throws(KafkaError) in
        try ClusterMetadata.fetch(client: client, topic: topic, timeout: timeout)
      }
    }
  }

  /// Sends a request of the Admin API and reads its answer, on a thread of its own.
  ///
  /// - Parameters:
  ///   - send: hands the request to librdkafka; whatever it allocates it frees again
  ///   - read: takes what is wanted out of the answer, which is freed after it
  func request<Answer: Sendable>(
    _ kind: rd_kafka_admin_op_t, timeout: Duration,
    send:
      @escaping @Sendable (_ client: OpaquePointer, _ options: OpaquePointer, _ queue: OpaquePointer)
      throws(KafkaError) -> Void,
    read: @escaping @Sendable (_ event: OpaquePointer) throws(KafkaError) -> Answer
  ) async throws(KafkaError) -> Answer {
    try await runOnOwnThread(name: "kafka-admin") { [handle] () throws(KafkaError) in
      try handle.use { client throws(KafkaError) in
        guard let options = rd_kafka_AdminOptions_new(client, kind), let queue = rd_kafka_queue_new(client) else {
          throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
        }
        defer {
          rd_kafka_queue_destroy(queue)
          rd_kafka_AdminOptions_destroy(options)
        }
        let milliseconds = max(1, timeout.cMilliseconds())
        rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, nil, 0)
        if kind == RD_KAFKA_ADMIN_OP_CREATETOPICS || kind == RD_KAFKA_ADMIN_OP_DELETETOPICS
          || kind == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS || kind == RD_KAFKA_ADMIN_OP_DELETERECORDS
        {
          // How long the controller may wait until the change has reached the brokers.
          rd_kafka_AdminOptions_set_operation_timeout(options, milliseconds, nil, 0)
        }
        try send(client, options, queue)
        let event = try Self.answer(in: queue, of: handle, timeout: timeout)
        defer { rd_kafka_event_destroy(event) }
        try check(rd_kafka_event_error(event), rd_kafka_event_error_string(event).map { String(cString: $0) })
        return try read(event)
      }
    }
  }

  private static func answer(
    in queue: OpaquePointer, of handle: ClientHandle, timeout: Duration
  ) throws(KafkaError) -> OpaquePointer {
    // librdkafka ends the request itself at the timeout; the margin only guards against its not doing so.
    let deadline = ContinuousClock.now + timeout.bounded + .seconds(2)
    while ContinuousClock.now < deadline {
      if let event = rd_kafka_queue_poll(queue, 100) { return event }
      if handle.isClosed { throw .closed(handle.role) }
    }
    throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT)
  }
}
