public import AuditActions
import Kafka
public import Logging
package import Metrics

/// What a queue worker links to report its actions.
///
/// ```swift
/// let emitter = try ActionEmitter(configuration: .init(bootstrapServers: "localhost:9092"))
/// let queue = try QueueAddress(project: "5f3c", queue: "demo")
/// emitter.emit(.messageDeleted(messageID: "50b68a50"), to: queue)
/// let report = await emitter.close(flushTimeout: .seconds(10))
/// ```
///
/// ``emit(_:to:)`` never blocks and never waits. What it accepts is delivered in the order it was given (per queue),
/// exactly once into the topic, or counted as failed; what it refuses is counted by reason and told to the caller.
/// So ``counters`` account for every action. May be used from any thread and any number of tasks.
public final class ActionEmitter: Sendable {
  public let configuration: ActionEmitterConfiguration
  private let producers: ProducerSlot
  private let window: EmitWindow
  private let tally: EmitterTally
  private let identity = EventIdentity()
  private let refusals: RepeatingFaultLog
  private let ledger: DeliveryLedger
  private let logger: Logger
  private let spooling: Spooling?
  let deadlines: AcknowledgementDeadlines

  /// Makes an emitter. Waits for no broker: actions can be emitted before one is reachable.
  ///
  /// With a spool this blocks for some milliseconds, while its files are read and made.
  /// - Throws: `invalid_configuration` for a bound or name out of its limits; `kafka` with librdkafka's own message
  ///   for a property it does not take; `spool` for one that cannot be used.
  public convenience init(
    configuration: ActionEmitterConfiguration, logger: Logger = Logger(label: "strandline.emitter")
  ) throws(EmitError) {
    try self.init(
      configuration: configuration, metrics: MetricsSystem.factory, logger: logger)
  }

  package convenience init(
    configuration: ActionEmitterConfiguration, metrics: any MetricsFactory, logger: Logger
  ) throws(EmitError) {
    try self.init(configuration: configuration, metrics: metrics, logger: logger, disk: SpoolDisk())
  }

  init(
    configuration: ActionEmitterConfiguration, metrics: any MetricsFactory, logger: Logger, disk: SpoolDisk
  ) throws(EmitError) {
    try configuration.validated()
    self.configuration = configuration
    deadlines = AcknowledgementDeadlines(timeout: configuration.acknowledgementTimeout)
    self.logger = logger
    tally = EmitterTally(metrics: metrics)
    window = EmitWindow(actionsMax: configuration.outstandingActionsMax, bytesMax: configuration.outstandingBytesMax)
    refusals = RepeatingFaultLog(logger: logger)
    do {
      producers = try ProducerSlot(configuration: configuration, logger: logger)
    } catch {
      throw EmitError(refusal: error)
    }
    let failures = RepeatingFaultLog(logger: logger)
    ledger = DeliveryLedger(window: window, tally: tally, failures: failures, producers: producers)
    guard let spool = configuration.spool else {
      spooling = nil
      return
    }
    spooling = try Spooling(
      spool, of: configuration, producers: producers, tally: tally, faults: failures, disk: disk, metrics: metrics,
      logger: logger)
  }

  deinit { spooling?.abandon() }

  /// Hands an action over for delivery. Never blocks; refuses when its bounds are reached.
  ///
  /// The result may be ignored: a refusal is counted, and logged at most once a second.
  @discardableResult
  public func emit(_ action: Action, to queue: QueueAddress) -> EmitOutcome {
    outcome { () throws(EmitError) in try send(try record(action, queue)) }
  }

  /// The same for a body that is JSON already; it is sent byte for byte.
  @discardableResult
  public func emit(raw action: RawAction, to queue: QueueAddress) -> EmitOutcome {
    outcome { () throws(EmitError) in try send(try record(action, queue)) }
  }

  /// Hands an action over, and waits while the bounds are reached: for those who have a backlog to send rather than
  /// work to do. The waiting task holds no thread; cancelling it ends in a refusal. Runs on the caller's actor, so that
  /// an action that has room at once costs no change of thread.
  @discardableResult
  nonisolated(nonsending) public func emitWhenRoom(_ action: Action, to queue: QueueAddress) async -> EmitOutcome {
    await outcomeWhenRoom { () throws(EmitError) in try record(action, queue) }
  }

  /// The same for a body that is JSON already.
  @discardableResult
  nonisolated(nonsending) public func emitWhenRoom(raw action: RawAction, to queue: QueueAddress) async -> EmitOutcome {
    await outcomeWhenRoom { () throws(EmitError) in try record(action, queue) }
  }

  /// The same, and the refusal that it would wait for the end of once it has waited so long.
  nonisolated(nonsending) package func emitWhenRoom(
    raw action: RawAction, to queue: QueueAddress, within timeout: Duration
  ) async -> EmitOutcome {
    await outcomeWhenRoom(within: timeout) { () throws(EmitError) in try record(action, queue) }
  }

  /// What the emitter has done so far.
  public var counters: EmitterCounters {
    guard let spooling else { return tally.snapshot(outstanding: window.outstanding) }
    return tally.snapshot(recovered: spooling.recovered, outstanding: spooling.spool.status.pending)
  }

  /// Lets a spool that was told to hold what it is given publish it.
  package func beginPublishing() { spooling?.beginPublishing() }

  /// What the spool holds; nil without one.
  public var spool: SpoolStatus? { spooling?.spool.status }

  /// Refuses new actions, delivers what is outstanding, and gives up what Kafka does not take in time; with a spool it
  /// stays there, for the next emitter.
  ///
  /// Returns after `flushTimeout` plus ten seconds at the latest, whatever state the brokers are in.
  /// - Returns: how many actions were given up, and the counters after it.
  @discardableResult
  public func close(flushTimeout: Duration) async -> EmitterCloseReport {
    window.close()
    if let spooling {
      await spooling.close(flushTimeout: flushTimeout, producers)
      return EmitterCloseReport(undelivered: 0, spooled: spooling.spool.status.pending, counters: counters)
    }
    let undelivered = await producers.close(flushTimeout: flushTimeout)
    if undelivered > 0 {
      logger.warning(
        "actions were not delivered before the emitter closed",
        metadata: ["actions": .stringConvertible(undelivered)])
    }
    return EmitterCloseReport(undelivered: undelivered, spooled: 0, counters: counters)
  }
}

/// What is left when an emitter closes.
public struct EmitterCloseReport: Sendable, Hashable {
  /// Actions that were accepted and given up because Kafka did not take them in time. They are counted in
  /// ``EmitterCounters/failed``, and Kafka may have some of them all the same.
  public let undelivered: Int
  /// Actions that stay in the spool: the next emitter with that spool publishes them.
  public let spooled: Int
  public let counters: EmitterCounters
}

extension ActionEmitter {
  typealias Delivery = @Sendable (Acknowledgements.Outcome) -> Void

  /// - Throws: `too_large`, `invalid_action`.
  func record(_ action: Action, _ queue: QueueAddress) throws(EmitError) -> EmitRecord {
    var action = action
    action.clientID = action.clientID ?? configuration.clientID
    action.userAgent = action.userAgent ?? configuration.userAgent
    action.version = action.version ?? configuration.version
    return try EmitRecord(action, to: queue, id: identity.next(), source: configuration.source)
  }

  /// - Throws: `too_large`, `invalid_action`.
  func record(_ action: RawAction, _ queue: QueueAddress) throws(EmitError) -> EmitRecord {
    try EmitRecord(action, to: queue, id: identity.next(), source: configuration.source)
  }

  /// Hands a record to the spool, or else to Kafka's client.
  /// - Parameter onDelivery: called once with what became of it, on a thread it must not hold up; never when this
  ///   throws.
  /// - Throws: `queue_full`, `spool_full`, `spool`, `closed`, `kafka`.
  func send(_ record: EmitRecord, onDelivery: Delivery? = nil) throws(EmitError) {
    if let spooling {
      try spooling.spool.append(record, onDelivery: onDelivery)
      tally.countEmitted()
      return
    }
    let byteCount = record.byteCount
    try window.reserve(bytes: byteCount)
    do throws(KafkaError) {
      try producers.current.send(
        topic: configuration.topic, key: record.key, value: record.value, packedHeaders: record.headers,
        timestampMilliseconds: record.timestampMilliseconds
      ) { [ledger] result in ledger.settle(result, byteCount: byteCount, onDelivery) }
    } catch {
      window.release(bytes: byteCount)
      producers.replaceIfFatal()
      throw EmitError(refusal: error)
    }
    tally.countEmitted()
  }

  /// Counts and logs a refusal.
  func note(_ refusal: EmitError) {
    tally.countRefused(refusal.reason)
    refusals.report("an action was refused", refusal)
  }

  private func outcome(_ send: () throws(EmitError) -> Void) -> EmitOutcome {
    do throws(EmitError) {
      try send()
      return .accepted
    } catch {
      note(error)
      return .refused(error)
    }
  }

  nonisolated(nonsending) private func outcomeWhenRoom(
    within timeout: Duration? = nil, _ make: () throws(EmitError) -> EmitRecord
  ) async -> EmitOutcome {
    let record: EmitRecord
    do throws(EmitError) {
      record = try make()
    } catch {
      note(error)
      return .refused(error)
    }
    var deadline: ContinuousClock.Instant?
    while true {
      do throws(EmitError) {
        try send(record)
        return .accepted
      } catch {
        let isFull = error.reason == .queueFull || error.reason == .spoolFull
        guard isFull, !Task.isCancelled else {
          let refusal = isFull ? .cancelledBeforeSending : error
          note(refusal)
          return .refused(refusal)
        }
        guard let timeout else {
          await room(forBytes: record.byteCount)
          continue
        }
        let end = deadline ?? .now + timeout
        deadline = end
        guard .now < end else {
          note(error)
          return .refused(error)
        }
        await room(forBytes: record.byteCount, until: end)
      }
    }
  }

  nonisolated(nonsending) private func room(forBytes byteCount: Int) async {
    if let spooling { await spooling.spool.room() } else { await window.room(forBytes: byteCount) }
  }

  nonisolated(nonsending) private func room(forBytes byteCount: Int, until end: ContinuousClock.Instant) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.room(forBytes: byteCount) }
      group.addTask { try? await Task.sleep(until: end, clock: .continuous) }
      await group.next()
      group.cancelAll()
    }
  }
}
