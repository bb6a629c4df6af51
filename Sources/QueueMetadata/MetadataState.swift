import AuditActions
import Dispatch
import Synchronization

/// What the reader's thread and everybody else share.
final class MetadataState: Sendable {
  struct Contents {
    var entries: [QueueAddress: QueueEntry] = [:]
    var policies: QueuePolicies
    var partitions: [Int32] = []
    /// The offset behind the last record read, of each partition.
    var positions: [Int32: Int64] = [:]
    /// Partitions whose end was reached.
    var reached: Set<Int32> = []
    var isCaughtUp = false
    /// Of partitions that are read again: the queues that were known and have not been met yet.
    var unmet: [Int32: Set<QueueAddress>] = [:]
    var skipped: UInt64 = 0
    var failure: String? = "the topic of queue metadata is not read yet"
    fileprivate var waiters: [UInt64: Waiter] = [:]
    fileprivate var nextWaiter: UInt64 = 0

    fileprivate func isRead(upTo offsets: [Int32: Int64]) -> Bool {
      offsets.allSatisfy { positions[$0.key] ?? 0 >= $0.value }
    }
  }

  fileprivate struct Waiter {
    let offsets: [Int32: Int64]
    let continuation: CheckedContinuation<Bool, Never>
    let timer: Task<Void, Never>
  }

  let contents: Mutex<Contents>
  private let isStopped = Atomic(false)
  private let stopSignal = DispatchSemaphore(value: 0)

  init(default policy: AuditDefault) {
    contents = Mutex(Contents(policies: QueuePolicies(default: policy)))
  }

  var isStopping: Bool { isStopped.load(ordering: .acquiring) }

  /// Ends every wait, now and later.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    stopSignal.signal()
    release { _ in true }
  }

  /// Blocks the calling thread for the time given, or until `stop`.
  func pause(milliseconds: Int) {
    if stopSignal.wait(timeout: .now() + .milliseconds(milliseconds)) == .success { stopSignal.signal() }
  }

  // MARK: Waiting for offsets

  func waitFor(_ offsets: [Int32: Int64], within timeout: Duration) async -> Bool {
    await withCheckedContinuation { continuation in
      let isDone: Bool? = contents.withLock { contents in
        if contents.isRead(upTo: offsets) { return true }
        if isStopping { return false }
        let id = contents.nextWaiter
        contents.nextWaiter += 1
        let timer = Task { [weak self] in
          try? await Task.sleep(for: timeout)
          self?.giveUp(id)
        }
        contents.waiters[id] = Waiter(offsets: offsets, continuation: continuation, timer: timer)
        return nil
      }
      if let isDone { continuation.resume(returning: isDone) }
    }
  }

  /// Wakes those whose offsets are read.
  func wakeWaiters() { release { _ in false } }

  private func giveUp(_ id: UInt64) {
    let waiter = contents.withLock { $0.waiters.removeValue(forKey: id) }
    waiter?.continuation.resume(returning: false)
  }

  private func release(_ isGivenUp: (UInt64) -> Bool) {
    let released = contents.withLock { contents in
      var released: [(waiter: Waiter, isRead: Bool)] = []
      for (id, waiter) in contents.waiters {
        let isRead = contents.isRead(upTo: waiter.offsets)
        guard isRead || isGivenUp(id) else { continue }
        contents.waiters[id] = nil
        released.append((waiter, isRead))
      }
      return released
    }
    for (waiter, isRead) in released {
      waiter.timer.cancel()
      waiter.continuation.resume(returning: isRead)
    }
  }
}
