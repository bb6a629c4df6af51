import Synchronization

/// How many actions and bytes may be on their way at once, and who waits for room.
final class EmitWindow: Sendable {
  private struct State {
    var actions = 0
    var bytes = 0
    var isClosed = false
    var nextWaiter = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let actionsMax: Int
  private let bytesMax: Int
  private let state = Mutex(State())

  init(actionsMax: Int, bytesMax: Int) {
    self.actionsMax = actionsMax
    self.bytesMax = bytesMax
  }

  var outstanding: Int { state.withLock { $0.actions } }

  /// Takes room for one action.
  /// - Throws: `queue_full`, `closed`.
  func reserve(bytes: Int) throws(EmitError) {
    let refusal: EmitError? = state.withLock { state in
      if state.isClosed { return .closed }
      guard hasRoom(state, bytes) else { return .queueFull }
      state.actions += 1
      state.bytes += bytes
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Gives the room back, and lets those who wait try again.
  func release(bytes: Int) {
    let waiters = state.withLock { state in
      state.actions -= 1
      state.bytes -= bytes
      return Self.takeWaiters(&state)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Refuses from now on; those who wait are woken to find out.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      return Self.takeWaiters(&state)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits until there may be room, the window is closed, or the task is cancelled.
  nonisolated(nonsending) func room(forBytes bytes: Int) async {
    let waiter = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let waits = state.withLock { state in
          // Looked at under the same lock as release(), so that no wake-up falls between the refusal and the wait.
          guard !state.isClosed, !hasRoom(state, bytes), !Task.isCancelled else { return false }
          state.waiters[waiter] = continuation
          return true
        }
        if !waits { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
    }
  }

  /// One action is let in whatever its size: a bound smaller than the largest action would refuse it for ever.
  private func hasRoom(_ state: borrowing State, _ bytes: Int) -> Bool {
    state.actions < actionsMax && (state.bytes + bytes <= bytesMax || state.actions == 0)
  }

  private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
    guard !state.waiters.isEmpty else { return [] }
    let waiters = state.waiters.sorted { $0.key < $1.key }.map(\.value)
    state.waiters.removeAll(keepingCapacity: true)
    return waiters
  }
}
