import Crdkafka
import Logging
import Synchronization

/// The consumer's C handle and its queue. Outlives ``KafkaConsumer`` until closing is through.
final class ConsumerCore: @unchecked Sendable {
  let handle: ClientHandle
  let callbacks: ConsumerCallbacks
  private let queue: OpaquePointer
  private let isWoken = Atomic<Bool>(false)
  private let waker: FetchWaker

  /// The group of consumers that only assign: librdkafka wants a name, but nobody joins or commits under it.
  private static let groupOfLoners = "strandline.unjoined"

  init(configuration: KafkaConfiguration, group: ConsumerGroup?, logger: Logger) throws(KafkaError) {
    try configuration.checkBootstrapServers()
    var required = ["log.queue": "true"]
    if let group {
      required["group.id"] = group.id
      if let instanceID = group.instanceID { required["group.instance.id"] = instanceID }
    }
    let native = try NativeConfiguration.make(
      from: configuration,
      defaults: [
        "client.id": "strandline",
        "group.id": Self.groupOfLoners,
        // Offsets are kept beside what was made of the records, not by librdkafka on its own.
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        // Never jump silently over records that are gone.
        "auto.offset.reset": "error",
        "enable.partition.eof": "true",
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "cooperative-sticky",
        // Some brokers answer a fetch with more than was asked for; librdkafka's own bound would then never get by.
        "receive.message.max.bytes": "1000000000",
        // What a stalled reader keeps in memory.
        "queued.max.messages.kbytes": "16384",
        "statistics.interval.ms": "5000",
      ], required: required)
    let callbacks = ConsumerCallbacks(rebalances: RebalanceRelay(logger: logger))
    callbacks.install(in: native)
    handle = try ClientHandle(
      kind: RD_KAFKA_CONSUMER, role: "consumer", configuration: native,
      events: ClientEvents(logger: logger, metrics: ClientMetrics(role: "consumer")), opaque: callbacks)
    self.callbacks = callbacks
    waker = FetchWaker(handle: handle)
    guard let queue = rd_kafka_queue_get_consumer(handle.pointer) else {
      handle.beginClose()
      throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, message: "group.id must not be empty")
    }
    self.queue = queue
  }

  func poll(maxRecords: Int, timeout: Duration, gather: Duration) throws(KafkaError) -> ConsumedBatch {
    try handle.use { _ throws(KafkaError) in
      let capacity = max(1, min(maxRecords, KafkaConsumer.pollRecordsMax))
      let messages = UnsafeMutablePointer<ConsumedBatch.Message?>.allocate(capacity: capacity)
      // One call without waiting first: under load it fills the batch.
      var taken = rd_kafka_consume_batch_queue(queue, 0, messages, capacity)
      if taken == 0, !isWoken.exchange(false, ordering: .acquiringAndReleasing), !handle.isClosed {
        taken = rd_kafka_consume_batch_queue(queue, timeout.cMilliseconds(), messages, 1)
        isWoken.store(false, ordering: .releasing)
        if taken == 1, capacity > 1 {
          // librdkafka waits for the whole time until the batch is full; so take only what is there by default.
          let more = rd_kafka_consume_batch_queue(queue, gather.cMilliseconds(), messages + 1, capacity - 1)
          if more > 0 { taken += more }
        }
      }
      guard taken >= 0 else {
        messages.deallocate()
        throw KafkaError(rd_kafka_last_error())
      }
      if taken > 0, let last = messages[taken - 1], last.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        waker.note(queued: rd_kafka_queue_length(queue), last: last)
      }
      return ConsumedBatch(messages: messages, taken: taken, handle: handle)
    }
  }

  func wakeUp() throws(KafkaError) {
    try handle.use { _ in
      isWoken.store(true, ordering: .releasing)
      rd_kafka_queue_yield(queue)
    }
  }

  func beginClose() {
    waker.end()
    // `self` is kept by the closures, and with it the queue, until closing is through.
    handle.beginClose {
      rd_kafka_queue_yield(self.queue)
    } goodbye: { handle in
      self.leave(handle.pointer)
      rd_kafka_queue_destroy(self.queue)
    }
  }

  /// Leaves the group and stops fetching.
  ///
  /// The rebalance that leaving brings must be answered, so the queue is served to the end: librdkafka would wait
  /// for the answer for ever in `rd_kafka_destroy`. It bounds the rest itself: 5 s for the request to leave, the
  /// session timeout for what waits for a coordinator.
  private func leave(_ client: OpaquePointer) {
    guard let queue = rd_kafka_queue_new(client) else { return }
    defer { rd_kafka_queue_destroy(queue) }
    if let error = rd_kafka_consumer_close_queue(client, queue) {
      // After a fatal error there is no leaving; rd_kafka_destroy_flags cleans up.
      rd_kafka_error_destroy(error)
      return
    }
    let capacity = 64
    let messages = UnsafeMutablePointer<ConsumedBatch.Message?>.allocate(capacity: capacity)
    defer { messages.deallocate() }
    while rd_kafka_consumer_closed(client) == 0 {
      let taken = rd_kafka_consume_batch_queue(queue, 100, messages, capacity)
      guard taken > 0 else { continue }
      for index in 0..<taken {
        if let message = messages[index] { rd_kafka_message_destroy(message) }
      }
    }
  }
}
