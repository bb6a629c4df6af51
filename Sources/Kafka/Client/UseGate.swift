import Synchronization

/// Counts the uses of a C handle that are under way, so that the handle is freed after the last of them and calls
/// after `close()` get an error instead of a dangling pointer.
///
/// Entering and leaving cost one atomic addition each: it stands in the path of every record sent.
final class UseGate: Sendable {
  private static let closedBit: UInt = 1 << (UInt.bitWidth - 1)
  private let state = Atomic<UInt>(0)
  private let isDrained = Latch()

  var isClosed: Bool { state.load(ordering: .acquiring) & Self.closedBit != 0 }

  /// Returns false when the gate is closed; else the caller must `leave()` when it is done.
  func enter() -> Bool {
    let before = state.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    if before & Self.closedBit == 0 { return true }
    leave()
    return false
  }

  func leave() {
    // A refused `enter` passes here too, maybe after the last use has gone; opening the latch again is harmless.
    if state.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == Self.closedBit { isDrained.open() }
  }

  /// Refuses all uses from now on. Returns true to the first caller only.
  func close() -> Bool {
    let before = state.bitwiseOr(Self.closedBit, ordering: .acquiringAndReleasing).oldValue
    if before == 0 { isDrained.open() }
    return before & Self.closedBit == 0
  }

  /// Blocks the calling thread until nobody is inside; returns false when the time has passed before that.
  func waitUntilDrained(timeout: Duration) -> Bool {
    isDrained.wait(timeout: timeout)
  }
}
