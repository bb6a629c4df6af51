import Kafka
import Logging

/// What has to be put down when the outcome of a record is known: one object for all records of an emitter, so that each
/// carries one reference.
final class DeliveryLedger: Sendable {
  /// Records on their way do not keep the producer: who lets go of an emitter gives them up.
  private final class Slot: @unchecked Sendable {
    weak var producers: ProducerSlot?
    init(_ producers: ProducerSlot) { self.producers = producers }
  }

  /// Nil where a backlog is the bound.
  private let window: EmitWindow?
  private let tally: EmitterTally
  private let failures: RepeatingFaultLog
  private let slot: Slot

  init(window: EmitWindow?, tally: EmitterTally, failures: RepeatingFaultLog, producers: ProducerSlot) {
    self.window = window
    self.tally = tally
    self.failures = failures
    slot = Slot(producers)
  }

  /// The emitter's producers, while there is an emitter.
  var producers: ProducerSlot? { slot.producers }

  /// Puts down that an accepted action was not sent.
  func giveUp(_ entry: Backlog.Entry, _ error: EmitError) {
    tally.countFailed(error.name)
    failures.report("an accepted action was not sent", error)
    entry.onDelivery?(.failure(error))
  }

  func settle(
    _ result: Result<RecordPosition, KafkaError>, byteCount: Int, _ onDelivery: ActionEmitter.Delivery?
  ) {
    switch result {
    case .success(let position):
      tally.countDelivered()
      window?.release(bytes: byteCount)
      onDelivery?(.success(EmittedPosition(position)))
    case .failure(let kafka):
      let error = EmitError(failure: kafka)
      tally.countFailed(kafka.name)
      window?.release(bytes: byteCount)
      failures.report("an accepted action was not delivered", error)
      onDelivery?(.failure(error))
      slot.producers?.replaceIfFatal()
    }
  }
}
