import Synchronization

/// How many actions and bytes may be on their way at once, and who waits for room.
final class EmitWindow: Sendable {
  private struct State {
    var actions = 0
    var bytes = 0
    var isClosed = false
  }

  private let actionsMax: Int
  private let bytesMax: Int
  private let state = Mutex(State())
  private let waiters = RoomWaiters()

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
    state.withLock { state in
      state.actions -= 1
      state.bytes -= bytes
    }
    waiters.wake()
  }

  /// Refuses from now on; those who wait are woken to find out.
  func close() {
    state.withLock { $0.isClosed = true }
    waiters.wake()
  }

  /// Waits until there may be room, the window is closed, or the task is cancelled.
  nonisolated(nonsending) func room(forBytes bytes: Int) async {
    await waiters.wait { state.withLock { !$0.isClosed && !hasRoom($0, bytes) } }
  }

  /// One action is let in whatever its size: a bound smaller than the largest action would refuse it for ever.
  private func hasRoom(_ state: State, _ bytes: Int) -> Bool {
    state.actions < actionsMax && (state.bytes + bytes <= bytesMax || state.actions == 0)
  }
}
