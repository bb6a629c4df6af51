import ActionProof
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
  let producers: ProducerSlot
  let window: EmitWindow
  let tally: EmitterTally
  let identity = EventIdentity()
  let headers: EmitHeaders
  let refusals: RepeatingFaultLog
  let ledger: DeliveryLedger
  let logger: Logger
  let spooling: Spooling?
  /// Where the oldest is dropped for the newest.
  let backlog: Backlog?
  package let gate: EventGate
  let skipReports: SkipReports
  /// Nil with a spool too: it seals what it has numbered.
  let seal: RecordSeal?
  private let queueFollowing: QueueFollowing?
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
    headers = EmitHeaders(source: configuration.source)
    deadlines = AcknowledgementDeadlines(timeout: configuration.acknowledgementTimeout)
    seal = configuration.spool == nil ? configuration.seal : nil
    self.logger = logger
    tally = EmitterTally(metrics: metrics)
    gate = EventGate(metrics: metrics)
    gate.setCatalogue(configuration.catalogue, takesOnlyKnown: configuration.takesOnlyKnownEvents)
    gate.setChannels(configuration.channels)
    skipReports = SkipReports(of: gate)
    window = EmitWindow(actionsMax: configuration.outstandingActionsMax, bytesMax: configuration.outstandingBytesMax)
    refusals = RepeatingFaultLog(logger: logger)
    do {
      producers = try ProducerSlot(configuration: configuration, logger: logger)
    } catch {
      throw EmitError(refusal: error)
    }
    let failures = RepeatingFaultLog(logger: logger)
    let dropsOldest = configuration.overflow == .dropOldest
    ledger = DeliveryLedger(
      window: dropsOldest ? nil : window, tally: tally, failures: failures, producers: producers)
    backlog = dropsOldest ? Backlog(configuration, ledger) : nil
    queueFollowing = try configuration.queuesTopic.map { [gate] (topic) throws(EmitError) in
      try QueueFollowing(topic, of: configuration, gate: gate, logger: logger)
    }
    spooling = try configuration.spool.map { [producers, tally] (spool) throws(EmitError) in
      try Spooling(
        spool, of: configuration, producers: producers, tally: tally, faults: failures, disk: disk, metrics: metrics,
        logger: logger)
    }
    // Last: what is not started needs no end where something above fails.
    queueFollowing?.start()
  }

  deinit {
    skipReports.end()
    queueFollowing?.abandon()
    spooling?.abandon()
    for entry in backlog?.giveUp() ?? [] { ledger.giveUp(entry, .closedBeforeSending) }
  }

  /// Hands an action over for delivery. Never blocks; refuses when its bounds are reached.
  ///
  /// The result may be ignored: a refusal is counted, and logged at most once a second.
  @discardableResult
  public func emit(_ action: Action, to queue: QueueAddress) -> EmitOutcome {
    outcome { () throws(EmitError) in try send(try record(action, queue)) }
  }

  /// Emits an event with the details that the closure makes, if somebody wants it; otherwise as ``emit(_:to:)``.
  ///
  /// Looks the queue up by its name where there is anything to decide: a worker that stays with a queue keeps
  /// ``queue(_:)`` instead.
  @discardableResult
  public func emit(
    _ kind: EventKind, to queue: QueueAddress, _ details: () throws -> JSONText
  ) rethrows -> EmitOutcome {
    do throws(EmitError) { try gate.admit(kind.type, to: queue) } catch { return refuse(error) }
    return emitAdmitted(Action(type: kind.type, details: try details()), to: queue)
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
    let skips = gate.skips()
    guard let spooling else {
      return tally.snapshot(outstanding: backlog?.outstanding ?? window.outstanding, skips: skips)
    }
    return tally.snapshot(recovered: spooling.recovered, outstanding: spooling.spool.status.pending, skips: skips)
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
    skipReports.end()
    await queueFollowing?.close()
    if let spooling {
      await spooling.close(flushTimeout: flushTimeout, producers)
      return EmitterCloseReport(undelivered: 0, spooled: spooling.spool.status.pending, counters: counters)
    }
    let deadline = ContinuousClock.now + min(flushTimeout, .seconds(86_400))
    let unsent = await backlog?.close(within: flushTimeout) ?? []
    for entry in unsent { ledger.giveUp(entry, .closedBeforeSending) }
    let undelivered = unsent.count + (await producers.close(flushTimeout: max(.zero, deadline - .now)))
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
