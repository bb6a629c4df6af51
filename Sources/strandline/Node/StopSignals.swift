import Dispatch
import Foundation
import Logging
import Synchronization

/// SIGTERM and Ctrl-C from the moment this is made: the first asks for a graceful end and starts the clock, a second
/// Ctrl-C ends the process at once.
///
/// The clock starts at the signal itself, and not when some service is told of the shutdown: services are told one after
/// the other, each when the one before it has ended, and it is just the one that hangs that the clock is for.
final class StopSignals: Sendable {
  private struct State {
    var isStopping = false
    var interrupts: UInt = 0
    var onStop: (@Sendable () -> Void)?
    var lastDeed: (@Sendable () -> Void)?
  }

  private let plan: ShutdownPlan
  private let logger: Logger
  private let state = Mutex(State())

  /// Returns when signals are taken; what has to be cleared away at the end is made after it.
  init(plan: ShutdownPlan, logger: Logger) async {
    self.plan = plan
    self.logger = logger
    let queue = DispatchQueue(label: "strandline.signals")
    for number in [SIGTERM, SIGINT] {
      await withCheckedContinuation { taken in
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler { [self, source] in
          // Holds both for the life of the process: there is no moment at which signals are let go again.
          receive(number, count: source.data)
        }
        source.setRegistrationHandler { taken.resume() }
        source.resume()
      }
    }
  }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Between steps of a start that somebody no longer wants.
  func throwIfStopping() throws(CancellationError) {
    if isStopping { throw CancellationError() }
  }

  /// Calls `action` when a signal comes, or now when one has come already.
  func onStop(_ action: @escaping @Sendable () -> Void) {
    let isStopping = state.withLock { state in
      state.onStop = action
      return state.isStopping
    }
    if isStopping { action() }
  }

  /// What is done even when the process is ended by force. Takes no lock and waits for nothing.
  func beforeForcedEnd(_ deed: @escaping @Sendable () -> Void) { state.withLock { $0.lastDeed = deed } }

  /// Starts the clock where no signal has done so. After `plan.total` the process ends, whatever it is at; what is lost
  /// then comes again from Kafka.
  func startClock() {
    guard state.withLock({ !exchange(&$0.isStopping, with: true) }) else { return }
    logger.info("Shutting down", metadata: ["timeout_seconds": "\(plan.total.components.seconds)"])
    DispatchQueue.global().asyncAfter(deadline: .now() + plan.total / .seconds(1)) { [self] in
      logger.critical("The shutdown took too long; the process ends now")
      endNow(ExitStatus.failure.rawValue)
    }
  }

  private func receive(_ number: Int32, count: UInt) {
    let (interrupts, action) = state.withLock { state in
      if number == SIGINT { state.interrupts += count }
      return (state.interrupts, state.onStop)
    }
    if interrupts >= 2 { endNow(130) }
    startClock()
    action?()
  }

  private func endNow(_ status: Int32) -> Never {
    state.withLock { $0.lastDeed }?()
    _exit(status)
  }
}

private func exchange<Value>(_ place: inout Value, with value: Value) -> Value {
  defer { place = value }
  return place
}

/// How the time from a signal to the end of the process is shared out.
struct ShutdownPlan: Sendable {
  let total: Duration

  init(seconds: Int) { total = .seconds(seconds) }

  /// Until then the services end gracefully; after it they are cancelled.
  var graceful: Duration { total * 4 / 5 }
  /// For records on their way to Kafka, when the services have ended. The rest is for closing the store.
  var flush: Duration { total / 8 }
}
