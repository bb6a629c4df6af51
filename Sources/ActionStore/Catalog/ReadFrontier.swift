import Synchronization

/// How far readers have come in one queue and partition, and how much had expired before any of them came past it.
///
/// An action counts as read once a reader's marker has gone past it; what a page had to leave out because it had
/// expired, and no reader had come past before, expired unread. Reading behind the frontier costs one load.
final class ReadFrontier: Sendable {
  struct State: Sendable, Equatable {
    /// The highest ordinal a reader has come past.
    var reached: UInt64 = 0
    /// Of the actions up to there, those that had expired before.
    var expiredUnread: UInt64 = 0
  }

  private let state: Mutex<State>
  private let reached: Atomic<UInt64>
  /// Whether it has moved since the last checkpoint.
  private let isChanged = Atomic(false)

  init(_ initial: State) {
    state = Mutex(initial)
    reached = Atomic(initial.reached)
  }

  var now: State { state.withLock { $0 } }

  /// Moves the frontier to `end`, where a reader has come.
  /// - Parameter expired: how many of the ordinals above the one it is given expired before they were read.
  /// - Returns: whether this is the first move since the last checkpoint.
  func raise(to end: UInt64, expired: (_ above: UInt64) -> UInt64) -> Bool {
    guard end > reached.load(ordering: .relaxed) else { return false }
    let hasMoved = state.withLock { state in
      guard end > state.reached else { return false }
      state.expiredUnread += expired(state.reached)
      state.reached = end
      reached.store(end, ordering: .relaxed)
      return true
    }
    return hasMoved && !isChanged.exchange(true, ordering: .acquiringAndReleasing)
  }

  /// Brings it back to what is left of the counts, before there are readers.
  func lower(reached end: UInt64, expired: UInt64) {
    state.withLock { state in
      state.reached = min(state.reached, end)
      state.expiredUnread = min(state.expiredUnread, expired)
      reached.store(state.reached, ordering: .relaxed)
    }
  }

  /// What the next checkpoint is to hold.
  func takeForCheckpoint() -> State {
    isChanged.store(false, ordering: .releasing)
    return now
  }
}
