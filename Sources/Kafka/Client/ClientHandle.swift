import Crdkafka
import Synchronization

/// The one owner of an `rd_kafka_t`, its main queue and the thread that serves it.
///
/// The life of a handle:
/// 1. open: calls enter through ``use(_:)``; the events thread serves delivery reports, errors, logs, statistics;
/// 2. closing (`beginClose`): new calls are refused, the last call under way is awaited, the role says goodbye (a
///    producer purges, a consumer leaves its group) while events are still served, leases are awaited;
/// 3. closed: the events thread has ended, then the C handle was freed.
///
/// Step 2 and 3 run on a thread of their own, because each of them may wait for a thread of librdkafka that is busy
/// connecting or resolving a name. Who awaits `closed` bounds the wait.
final class ClientHandle: @unchecked Sendable {
  let pointer: OpaquePointer
  /// What errors call it: "producer", "consumer", "admin client".
  let role: String
  let events: ClientEvents
  /// Memory of the C handle that is still in a caller's hands (batches of records). Never refused, only counted.
  let leases = UseGate()
  /// Open once the C handle is freed, or as soon as nothing but leases keeps it alive.
  let closed = Latch()

  private let gate = UseGate()
  private let mainQueue: OpaquePointer
  private let opaque: (any AnyObject & Sendable)?
  private let stopsServing = Atomic<Bool>(false)
  private let eventsEnded = Latch()

  /// - Parameters:
  ///   - configuration: taken over, whether this throws or not
  ///   - opaque: what the configuration's opaque pointer leads to; kept until the C handle is freed, for its threads may
  ///     call back until then
  init(
    kind: rd_kafka_type_t, role: String, configuration: OpaquePointer, events: ClientEvents,
    opaque: (any AnyObject & Sendable)? = nil
  ) throws(KafkaError) {
    let wanted = RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS
    rd_kafka_conf_set_events(configuration, wanted)
    let capacity = 512
    let (created, text) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      buffer -> (OpaquePointer?, String) in
      buffer.initialize(repeating: 0)
      let created = rd_kafka_new(kind, configuration, buffer.baseAddress, capacity)
      return (created, buffer.baseAddress.map { String(cString: $0) } ?? "")
    }
    guard let created else {
      // Only a successful rd_kafka_new takes the configuration over.
      let code = rd_kafka_last_error()
      rd_kafka_conf_destroy(configuration)
      throw KafkaError(code: code.rawValue, message: text, isRetriable: false)
    }
    guard let queue = rd_kafka_queue_get_main(created) else {
      rd_kafka_destroy_flags(created, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
      throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
    }
    pointer = created
    mainQueue = queue
    self.role = role
    self.events = events
    self.opaque = opaque
    // Logs travel as events too: callbacks would come on threads that must not be held up.
    _ = rd_kafka_set_log_queue(created, nil)
    _ = DedicatedThread(name: "kafka-events") { [self] in
      serveEvents()
      eventsEnded.open()
    }
  }

  var isClosed: Bool { gate.isClosed }

  /// Runs a C call; the handle stays valid for its duration. Throws `_DESTROY` once closing has begun.
  func use<Result>(_ body: (OpaquePointer) throws(KafkaError) -> Result) throws(KafkaError) -> Result {
    guard gate.enter() else { throw .closed(role) }
    defer { gate.leave() }
    return try body(pointer)
  }

  /// Begins closing, on a thread of its own; does nothing when that was done before. Never blocks.
  ///
  /// - Parameters:
  ///   - wake: called, more than once, to end blocking calls under way
  ///   - goodbye: the role's own last act, with the events still being served
  func beginClose(
    wake: @escaping @Sendable () -> Void = {}, goodbye: @escaping @Sendable (ClientHandle) -> Void = { _ in }
  ) {
    guard gate.close() else { return }
    _ = DedicatedThread(name: "kafka-close") { [self] in
      repeat { wake() } while !gate.waitUntilDrained(timeout: .milliseconds(50))
      goodbye(self)
      _ = leases.close()
      if !leases.waitUntilDrained(timeout: .zero) {
        closed.open()
        while !leases.waitUntilDrained(timeout: .seconds(3600)) {}
      }
      stopsServing.store(true, ordering: .releasing)
      rd_kafka_queue_yield(mainQueue)
      while !eventsEnded.wait(timeout: .seconds(3600)) {}
      rd_kafka_queue_destroy(mainQueue)
      // The goodbye has closed the consumer as far as that can be done in a bounded time.
      rd_kafka_destroy_flags(pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
      closed.open()
    }
  }

  private func serveEvents() {
    while !stopsServing.load(ordering: .acquiring) {
      guard let event = rd_kafka_queue_poll(mainQueue, 1000) else { continue }
      events.serve(event, of: pointer)
      rd_kafka_event_destroy(event)
    }
    while let event = rd_kafka_queue_poll(mainQueue, 0) {
      events.serve(event, of: pointer)
      rd_kafka_event_destroy(event)
    }
  }
}
