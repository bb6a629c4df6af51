import Logging
import Synchronization

/// Writes a repeating fault at most once a second, with the number of times it happened since the line before.
final class RepeatingFaultLog: Sendable {
  private struct State {
    var lastLine: ContinuousClock.Instant?
    var since = 0
  }

  private let logger: Logger
  private let interval: Duration
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  init(
    logger: Logger, interval: Duration = .seconds(1),
    now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
  ) {
    self.logger = logger
    self.interval = interval
    self.now = now
  }

  func report(_ message: Logger.Message, _ error: EmitError) {
    let now = now()
    let count: Int? = state.withLock { state in
      state.since += 1
      if let lastLine = state.lastLine, lastLine.duration(to: now) < interval { return nil }
      defer { state.since = 0 }
      state.lastLine = now
      return state.since
    }
    guard let count else { return }
    logger.warning(
      message,
      metadata: [
        "reason": .string(error.name), "error": .string(error.description),
        "actions": .stringConvertible(count),
      ])
  }
}
