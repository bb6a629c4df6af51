import ActionEmitter
import AuditActions
import Kafka
import Logging
import Testing

@Suite("Emitting while Kafka cannot be reached")
struct UnreachableBrokerTests {
  let broker: EmbeddedBroker
  let queue: QueueAddress
  let action = Action.claimExpired(claimID: "k")

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(
    _ logger: Logger = quiet, _ change: (inout ActionEmitterConfiguration) -> Void = { _ in }
  ) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.acknowledgementTimeout = .milliseconds(200)
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: logger)
  }

  @Test("emit accepts up to its bound of actions, then refuses; both at once, and both counted")
  func boundsActions() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.outstandingActionsMax = 100 }
    let outcomes = (0..<250).map { _ in emitter.emit(action, to: queue) }
    #expect(outcomes.prefix(100).allSatisfy { $0.isAccepted })
    #expect(outcomes.dropFirst(100).allSatisfy { $0.refusal?.reason == .queueFull })
    let counters = emitter.counters
    #expect(counters.emitted == 100)
    #expect(counters.outstanding == 100)
    #expect(counters.refused == [.queueFull: 150])
    let report = await emitter.close(flushTimeout: .milliseconds(50))
    #expect(report.undelivered == 100)
    #expect(report.counters.failedInAll == 100)
    #expect(report.counters.outstanding == 0)
  }

  @Test("The bound in bytes refuses too, but one action always has room")
  func boundsBytes() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.outstandingBytesMax = 1_048_576 }
    let large = Action(type: "X", details: ["x": .string(String(repeating: "x", count: 250_000))])
    let accepted = (0..<10).count { _ in emitter.emit(large, to: queue).isAccepted }
    #expect(accepted == 4)
    #expect(emitter.emit(action, to: queue).isAccepted)
    await emitter.close(flushTimeout: .milliseconds(50))
  }

  @Test("What was accepted while the broker was down is delivered once it is up, in order")
  func deliversAfterRecovery() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.kafka["reconnect.backoff.max.ms"] = "200" }
    for number in 0..<500 { emitter.emit(Action(type: "X", details: ["n": .integer(number)]), to: queue) }
    try broker.setBroker(1, isUp: true)
    #expect(await eventually { emitter.counters.delivered == 500 })
    let records = try await readTopic("audit.actions", partitions: 1, count: 500, from: broker.configuration)
    #expect(records.count == 500)
    for (number, record) in records.enumerated() {
      #expect(String(decoding: record.value, as: UTF8.self).hasPrefix(#"{"event":"X","details":{"n":\#(number)},"#))
    }
    #expect(await emitter.close(flushTimeout: .seconds(20)).undelivered == 0)
  }

  @Test("An acknowledged emit says after its time that it does not know the outcome")
  func timesOut() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter()
    do {
      try await emitter.emitAcknowledged(action, to: queue)
      Issue.record("acknowledged by a broker that is down")
    } catch {
      #expect(error.reason == .notAcknowledged)
      #expect(error.mayHaveBeenWritten)
      #expect(error.isRetriable)
      #expect(error.description.contains("brokers"))
    }
    await emitter.close(flushTimeout: .milliseconds(50))
  }

  @Test("A cancelled task stops waiting for the acknowledgement")
  func cancels() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.acknowledgementTimeout = patience }
    let waiting = Task { await emitter.emitAcknowledged([action, action], to: queue) }
    #expect(await eventually { emitter.counters.outstanding == 2 })
    waiting.cancel()
    let outcomes = await waiting.value
    #expect(outcomes.count == 2)
    #expect(outcomes.allSatisfy { if case .failure(let error) = $0 { error.reason == .cancelled } else { false } })
    await emitter.close(flushTimeout: .milliseconds(50))
  }

  @Test("Closing ends an acknowledged emit that waits, and says that the action was given up")
  func closingEndsTheWait() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.acknowledgementTimeout = patience }
    let waiting = Task { () -> EmitError? in
      do throws(EmitError) {
        try await emitter.emitAcknowledged(action, to: queue)
        return nil
      } catch {
        return error
      }
    }
    #expect(await eventually { emitter.counters.outstanding == 1 })
    #expect(await emitter.close(flushTimeout: .milliseconds(50)).undelivered == 1)
    #expect(await waiting.value?.reason == .kafka)
  }

  @Test("Closing does not hang, whatever is outstanding, and may be done twice; then everything is refused")
  func closes() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter()
    for _ in 0..<1_000 { emitter.emit(action, to: queue) }
    let start = ContinuousClock.now
    #expect(await emitter.close(flushTimeout: .milliseconds(100)).undelivered == 1_000)
    #expect(start.duration(to: .now) < patience)
    await emitter.close(flushTimeout: .milliseconds(100))
    #expect(emitter.emit(action, to: queue).refusal?.reason == .closed)
    await #expect(throws: EmitError.self) { try await emitter.emitAcknowledged(action, to: queue) }
    #expect(await emitter.emitWhenRoom(action, to: queue).refusal?.reason == .closed)
  }

  @Test("A sender that waits for room is let in when there is some, and let go when cancelled or closed")
  func waitsForRoom() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter {
      $0.outstandingActionsMax = 2
      $0.kafka["reconnect.backoff.max.ms"] = "200"
    }
    emitter.emit(action, to: queue)
    emitter.emit(action, to: queue)
    let cancelled = Task { await emitter.emitWhenRoom(action, to: queue) }
    cancelled.cancel()
    #expect(await cancelled.value.refusal?.reason == .cancelled)

    let waiting = Task { await emitter.emitWhenRoom(action, to: queue) }
    try broker.setBroker(1, isUp: true)
    #expect(await waiting.value == .accepted)
    #expect(await eventually { emitter.counters.delivered == 3 })

    try broker.setBroker(1, isUp: false)
    emitter.emit(action, to: queue)
    emitter.emit(action, to: queue)
    let closing = Task { await emitter.emitWhenRoom(action, to: queue) }
    await emitter.close(flushTimeout: .milliseconds(50))
    #expect(await closing.value.isAccepted == false)
  }

  @Test("Failures after acceptance are counted by Kafka's error and logged once a second, not once an action")
  func countsFailures() async throws {
    try broker.setBroker(1, isUp: false)
    let (logger, lines) = LogKeeper.logger()
    let emitter = try makeEmitter(logger) { $0.kafka["delivery.timeout.ms"] = "300" }
    for _ in 0..<2_000 { emitter.emit(action, to: queue) }
    #expect(await eventually { emitter.counters.failedInAll == 2_000 })
    #expect(emitter.counters.failed == ["_MSG_TIMED_OUT": 2_000])
    #expect(await eventually { emitter.counters.outstanding == 0 })
    let failures = lines.all.filter { $0.contains("was not delivered") }
    #expect(failures.count >= 1)
    #expect(failures.count < 200)
    await emitter.close(flushTimeout: .milliseconds(50))
  }

  @Test("An acknowledged emit whose delivery fails says so in Kafka's words")
  func reportsKafkaErrors() async throws {
    let emitter = try makeEmitter { configuration in
      configuration.acknowledgementTimeout = patience
      configuration.kafka["retries"] = "0"
      configuration.kafka["enable.idempotence"] = "false"
    }
    try broker.pushErrors(.produce, [KafkaError.Code.recordTooLarge])
    do {
      try await emitter.emitAcknowledged(action, to: queue)
      Issue.record("acknowledged")
    } catch {
      #expect(error.reason == .kafka)
      #expect(error.name == "MSG_SIZE_TOO_LARGE")
      #expect(error.kafka?.code == KafkaError.Code.recordTooLarge)
      #expect(!error.mayHaveBeenWritten)
    }
    let position = try await emitter.emitAcknowledged(action, to: queue)
    #expect(position.offset == 0)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("After a fatal error of the producer the emitter works on with a new one")
  func recoversFromFatalErrors() async throws {
    let (logger, lines) = LogKeeper.logger()
    let emitter = try makeEmitter(logger) { $0.acknowledgementTimeout = patience }
    try await emitter.emitAcknowledged(action, to: queue)
    let outOfOrderSequenceNumber: Int32 = 45
    try broker.pushErrors(.produce, [outOfOrderSequenceNumber])
    do {
      try await emitter.emitAcknowledged(action, to: queue)
      Issue.record("acknowledged")
    } catch {
      #expect(error.reason == .kafka)
      #expect(error.mayHaveBeenWritten)
    }
    let deadline = ContinuousClock.now + patience
    var position: EmittedPosition?
    while position == nil, ContinuousClock.now < deadline {
      position = try? await emitter.emitAcknowledged(action, to: queue)
    }
    #expect(position != nil)
    #expect(lines.all.filter { $0.contains("is replaced") }.count == 1)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("A configuration out of its limits is refused with the member's name")
  func refusesConfigurations() {
    let changes: [(inout ActionEmitterConfiguration) -> Void] = [
      { $0.outstandingActionsMax = 0 }, { $0.outstandingActionsMax = .max }, { $0.outstandingBytesMax = 1 },
      { $0.outstandingBytesMax = .max }, { $0.acknowledgementTimeout = .zero }, { $0.source = "" },
      { $0.source = "a b" }, { $0.source = "café" }, { $0.source = ".." }, { $0.source = "%2" }, { $0.topic = "" },
      { $0.kafka["no.such.property"] = "1" },
      { $0.kafka["acks"] = "never" },
    ]
    for (index, change) in changes.enumerated() {
      #expect(throws: EmitError.self, "change \(index)") { try makeEmitter(quiet, change) }
    }
  }
}
