import Kafka
import Synchronization

/// A queue in front of Kafka's client that gives up its oldest action for a new one.
///
/// The client cannot take one record of its own back, so it is given few: an eighth of the bounds, and the rest waits
/// here, in order. What it has been given is not dropped for a newer one: while Kafka is away that eighth stays, and
/// what comes after it is the newest.
final class Backlog: Sendable {
  struct Entry: Sendable {
    let record: EmitRecord
    let onDelivery: ActionEmitter.Delivery?
  }

  private struct State {
    /// Ascending; those before `head` are gone.
    var entries: [Entry?] = []
    var head = 0
    var bytes = 0
    var underWay = 0
    var bytesUnderWay = 0
    var isHandingOver = false
    var isClosed = false
    var waiter: CheckedContinuation<Void, Never>?

    var count: Int { entries.count - head }

    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }

    mutating func takeFirst() -> Entry? {
      guard head < entries.count, let entry = entries[head] else { return nil }
      entries[head] = nil
      head += 1
      bytes -= entry.record.byteCount
      // Now and then, so that it costs nothing on average.
      if head >= 1_024, head * 2 >= entries.count {
        entries.removeFirst(head)
        head = 0
      }
      return entry
    }
  }

  private let actionsMax: Int
  private let bytesMax: Int
  private let clientActionsMax: Int
  private let clientBytesMax: Int
  private let handOver: @Sendable (Entry, Backlog) -> Void
  private let state = Mutex(State())

  /// - Parameter handOver: gives an action to the client, and has ``release(bytes:)`` called when that is done with it;
  ///   called by one thread at a time, in order.
  init(actionsMax: Int, bytesMax: Int, handOver: @escaping @Sendable (Entry, Backlog) -> Void) {
    clientActionsMax = max(1, actionsMax / 8)
    clientBytesMax = bytesMax / 8
    self.actionsMax = max(1, actionsMax - clientActionsMax)
    self.bytesMax = bytesMax - clientBytesMax
    self.handOver = handOver
  }

  /// What waits and what is on its way.
  var outstanding: Int { state.withLock { $0.count + $0.underWay } }

  /// Takes an action, whatever there is already.
  /// - Returns: what had to go for it.
  /// - Throws: `closed`.
  func append(_ entry: Entry) throws(EmitError) -> [Entry] {
    let dropped: [Entry]? = state.withLock { state in
      guard !state.isClosed else { return nil }
      var dropped: [Entry] = []
      let bytes = entry.record.byteCount
      while state.count >= actionsMax || state.bytes + bytes > bytesMax, let oldest = state.takeFirst() {
        dropped.append(oldest)
      }
      state.entries.append(entry)
      state.bytes += bytes
      return dropped
    }
    guard let dropped else { throw .closed }
    drain()
    return dropped
  }

  /// An action that the client had is done with, or was not taken.
  func release(bytes: Int) {
    state.withLock { state in
      state.underWay -= 1
      state.bytesUnderWay -= bytes
    }
    drain()
    state.withLock { $0.count == 0 ? $0.takeWaiter() : nil }?.resume()
  }

  /// One thread hands over at a time, so that the order is kept; what comes meanwhile is seen by it.
  private func drain() {
    guard
      state.withLock({ state in
        defer { state.isHandingOver = true }
        return !state.isHandingOver
      })
    else { return }
    while let entry = next() { handOver(entry, self) }
  }

  private func next() -> Entry? {
    state.withLock { state in
      let hasRoom =
        state.underWay < clientActionsMax && (state.bytesUnderWay < clientBytesMax || state.underWay == 0)
      guard hasRoom, let entry = state.takeFirst() else {
        state.isHandingOver = false
        return nil
      }
      state.underWay += 1
      state.bytesUnderWay += entry.record.byteCount
      return entry
    }
  }

  /// Refuses from now on, and waits until the client has been given everything, or the time is over.
  /// - Returns: what was not given to it.
  func close(within timeout: Duration) async -> [Entry] {
    state.withLock { $0.isClosed = true }
    await withCheckedContinuation { continuation in
      let waits = state.withLock { state in
        guard state.count > 0, timeout > .zero, state.waiter == nil else { return false }
        state.waiter = continuation
        return true
      }
      guard waits else { return continuation.resume() }
      // Begun once there is somebody to wake: a time that is over before would wake nobody, ever.
      Task {
        try? await Task.sleep(for: timeout)
        state.withLock { $0.takeWaiter() }?.resume()
      }
    }
    return giveUp()
  }

  /// Refuses from now on.
  /// - Returns: what was not given to the client.
  func giveUp() -> [Entry] {
    state.withLock { state in
      state.isClosed = true
      var rest: [Entry] = []
      while let entry = state.takeFirst() { rest.append(entry) }
      return rest
    }
  }
}
