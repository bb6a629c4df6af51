import AuditActions
import Dispatch
import Kafka
import Logging
import Metrics
import Synchronization

/// An emitter's spool and the thread that publishes it.
final class Spooling: Sendable {
  let spool: Spool
  /// How many actions were in it when it was opened.
  let recovered: Int
  private let publisher: SpoolPublisher
  private let logger: Logger
  private let isClosed = Atomic(false)

  /// - Throws: `spool`.
  init(
    _ configuration: SpoolConfiguration, of emitter: ActionEmitterConfiguration, producers: ProducerSlot,
    tally: EmitterTally, faults: RepeatingFaultLog, disk: SpoolDisk, metrics: any MetricsFactory, logger: Logger
  ) throws(EmitError) {
    let opening = try SpoolOpening(
      configuration: configuration, source: emitter.source, disk: disk,
      nowMilliseconds: ActionTime.now.millisecondsSince1970, logger: logger)
    let signal = DispatchSemaphore(value: 0)
    let spoolMetrics = SpoolMetrics(factory: metrics)
    if let reason = opening.beganBecause { spoolMetrics.began(because: reason) }
    spool = Spool(
      opened: opening, configuration: configuration, seal: emitter.seal, metrics: spoolMetrics, logger: logger,
      wake: { signal.signal() })
    recovered = opening.state.pending
    publisher = SpoolPublisher(
      spool: spool, signal: signal, producers: producers, configuration: emitter, tally: tally, faults: faults)
    self.logger = logger
    publisher.start()
  }

  func beginPublishing() { publisher.begin() }

  /// Refuses new actions, publishes what Kafka takes in time, and keeps the rest.
  func close(flushTimeout: Duration, _ producers: ProducerSlot) async {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    spool.refuse()
    await publisher.stop(flushTimeout: flushTimeout)
    publisher.endWaits()
    _ = await producers.close(flushTimeout: .zero)
    let failure: EmitError? = await runOnOwnThread(name: "spool-end") { [spool] () throws(Never) in
      do throws(EmitError) {
        try spool.finish()
        return nil
      } catch {
        return error
      }
    }
    if let failure { logger.warning("the spool was not closed in order", metadata: ["error": "\(failure)"]) }
    let pending = spool.status.pending
    if pending > 0 {
      logger.notice("actions stay in the spool", metadata: ["actions": "\(pending)"])
    }
  }

  /// Lets go as the end of the process would: what is in the spool stays there.
  func abandon() {
    spool.refuse()
    publisher.beginStop(flushTimeout: .zero)
  }
}
