import Synchronization

/// Bytes of requests and answers that all connections together may keep in memory: one client with many connections
/// must not take what the others need.
final class ByteBudget: Sendable {
  let bytesMax: Int
  private let used = Atomic<Int>(0)

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  var isSpent: Bool { used.load(ordering: .relaxed) >= bytesMax }

  /// Takes bytes that will have to be kept.
  /// - Returns: false, and takes nothing, when there is no room for them.
  func reserve(_ bytes: Int) -> Bool {
    let new = used.wrappingAdd(bytes, ordering: .relaxed).newValue
    if new <= bytesMax { return true }
    release(bytes)
    return false
  }

  /// Takes bytes that are kept already, whatever there is left.
  func take(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }
  func release(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
  var bytesUsed: Int { used.load(ordering: .relaxed) }
}
