import Synchronization

/// Tasks that wait until there may be room somewhere; they hold no thread.
final class RoomWaiters: Sendable {
  private struct State {
    var next = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Mutex(State())
  /// Whether anybody waits: looked at without the lock by those who make room, with every action.
  private let isAwaited = Atomic(false)

  /// Waits until ``wake()`` or the task's cancellation, if there is anything to wait for.
  /// - Parameter isFull: asked once the task can be woken, under the lock under which room is made: so no wake-up falls
  ///   between the answer and the wait.
  nonisolated(nonsending) func wait(while isFull: () -> Bool) async {
    let waiter = state.withLock { state in
      state.next += 1
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { state in
          state.waiters[waiter] = continuation
          isAwaited.store(true, ordering: .relaxed)
        }
        if Task.isCancelled || !isFull() { resume(waiter) }
      }
    } onCancel: {
      resume(waiter)
    }
  }

  /// Has all who wait try again, in the order they came. To be called behind the lock under which room was made.
  func wake() {
    guard isAwaited.load(ordering: .relaxed) else { return }
    let waiters = state.withLock { state in
      isAwaited.store(false, ordering: .relaxed)
      defer { state.waiters.removeAll(keepingCapacity: true) }
      return state.waiters.sorted { $0.key < $1.key }.map(\.value)
    }
    for waiter in waiters { waiter.resume() }
  }

  private func resume(_ waiter: Int) { state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume() }
}
