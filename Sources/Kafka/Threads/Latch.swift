import Foundation

/// A gate that opens once and stays open. Threads wait for it blocking, tasks wait for it suspended; both with a
/// bound, so that nothing that closes can hang on something that does not.
final class Latch: @unchecked Sendable {
  private let condition = NSCondition()
  // Guarded by `condition`.
  private var isOpen = false
  private var nextWaiter = 0
  private var waiters: [Int: Waiter] = [:]

  private struct Waiter {
    let continuation: CheckedContinuation<Bool, Never>
    let timer: Task<Void, Never>?
  }

  func open() {
    condition.lock()
    isOpen = true
    let released = waiters.values
    waiters = [:]
    condition.broadcast()
    condition.unlock()
    for waiter in released {
      waiter.timer?.cancel()
      waiter.continuation.resume(returning: true)
    }
  }

  /// Blocks the calling thread, which must be one of our own. Returns whether the latch is open.
  func wait(timeout: Duration) -> Bool {
    let deadline = Date(timeIntervalSinceNow: timeout.seconds)
    condition.lock()
    defer { condition.unlock() }
    while !isOpen {
      if !condition.wait(until: deadline) { return isOpen }
    }
    return true
  }

  /// Suspends the calling task until the latch opens, or `timeout` has passed (nil: without a bound).
  /// Returns whether the latch is open. Cancelling the task does not end the wait.
  func opened(within timeout: Duration? = nil) async -> Bool {
    await withCheckedContinuation { continuation in
      condition.lock()
      if isOpen {
        condition.unlock()
        continuation.resume(returning: true)
        return
      }
      let id = nextWaiter
      nextWaiter += 1
      let timer = timeout.map { timeout in
        Task {
          try? await Task.sleep(for: timeout)
          self.giveUp(id)
        }
      }
      waiters[id] = Waiter(continuation: continuation, timer: timer)
      condition.unlock()
    }
  }

  private func giveUp(_ id: Int) {
    condition.lock()
    let waiter = waiters.removeValue(forKey: id)
    condition.unlock()
    waiter?.continuation.resume(returning: false)
  }
}
