import Synchronization

/// Lets tasks through one at a time, in the order they came.
final class Turns: Sendable {
  private struct State {
    var isTaken = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let waitingMax: Int
  private let state = Mutex(State())

  init(waitingMax: Int) { self.waitingMax = waitingMax }

  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Waits for its turn, which ``end()`` gives back; false when too many wait already.
  func begin() async -> Bool {
    let isFull = state.withLock { $0.isTaken && $0.waiting.count >= waitingMax }
    if isFull { return false }
    await withCheckedContinuation { continuation in
      let isFirst = state.withLock { state in
        guard state.isTaken else {
          state.isTaken = true
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if isFirst { continuation.resume() }
    }
    return true
  }

  func end() {
    let next: CheckedContinuation<Void, Never>? = state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isTaken = false
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume()
  }
}
