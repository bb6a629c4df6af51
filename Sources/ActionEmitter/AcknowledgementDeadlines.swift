import Synchronization

/// Ends waits for acknowledgements that last too long: one sleeping task for all of them.
///
/// All waits are equally long, so they end in the order they began, and only the oldest has to be slept for. A task of
/// its own for every wait was two thirds of the cost of an acknowledged action.
final class AcknowledgementDeadlines: Sendable {
  private struct State {
    /// Ascending by deadline; those completed meanwhile stay until it pays to remove them.
    var waits: [(deadline: ContinuousClock.Instant, acknowledgements: any DeadlineWait)] = []
    var isSleeping = false
    /// Completed waits are removed when there are so many in all.
    var sweepAt = AcknowledgementDeadlines.sweepMin
  }

  private static let sweepMin = 1_024
  private let timeout: Duration
  private let state = Mutex(State())

  init(timeout: Duration) { self.timeout = timeout }

  /// How many waits are kept, completed ones included: at most twice those under way, or about a thousand.
  var count: Int { state.withLock { $0.waits.count } }

  func watch(_ acknowledgements: any DeadlineWait) {
    let begins = state.withLock { state in
      if state.waits.count >= state.sweepAt {
        state.waits.removeAll { $0.acknowledgements.isComplete }
        state.sweepAt = max(Self.sweepMin, state.waits.count * 2)
      }
      state.waits.append((.now + timeout, acknowledgements))
      defer { state.isSleeping = true }
      return !state.isSleeping
    }
    if begins { Task { await sleep() } }
  }

  /// From deadline to deadline, until no wait is left.
  private func sleep() async {
    while let next = endOverdue() { try? await Task.sleep(until: next, clock: .continuous) }
  }

  /// - Returns: the next deadline; nil when there is none to sleep for.
  private func endOverdue() -> ContinuousClock.Instant? {
    let now = ContinuousClock.now
    let (overdue, next) = state.withLock { state in
      let firstLive = state.waits.firstIndex { $0.deadline > now && !$0.acknowledgements.isComplete }
      let overdue = state.waits[..<(firstLive ?? state.waits.endIndex)].map(\.acknowledgements)
      state.waits.removeFirst(overdue.count)
      state.isSleeping = !state.waits.isEmpty
      return (overdue, state.waits.first?.deadline)
    }
    for acknowledgements in overdue { acknowledgements.giveUp(.notAcknowledged) }
    return next
  }
}
