import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The machine's clocks.
package struct SystemClock: WallClock {
  package init() {}

  package func nowMilliseconds() -> Int64 { Self.read(CLOCK_REALTIME) }
  package func steadyMilliseconds() -> Int64 { Self.read(CLOCK_BOOTTIME) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// The time a store counts TTLs in: wall-clock time that never goes back.
///
/// It is a steady clock plus an offset, and the offset only grows. A wall clock that steps forward takes the store's
/// time along; one that steps back leaves it ahead by ``leadMilliseconds``, so that no action lives longer than its
/// TTL. Times that come from outside (records' timestamps) are read on the store's scale by adding the lead, and told
/// on the wall's by subtracting it, so that a store that is ahead still gives every action its whole TTL.
final class StoreClock: Sendable {
  private let source: any WallClock
  private let offset: Atomic<Int64>

  /// - Parameter floor: the latest time the store is known to have reached before this process began.
  init(_ source: any WallClock, floor: Int64) {
    self.source = source
    let wall = source.nowMilliseconds()
    offset = Atomic(max(wall, floor) &- source.steadyMilliseconds())
  }

  func nowMilliseconds() -> Int64 { read().now }

  /// By how much the store's time is ahead of the wall clock; 0 unless that was set back.
  func leadMilliseconds() -> Int64 { read().lead }

  private func read() -> (now: Int64, lead: Int64) {
    // The wall first: a pause between the two then makes the wall look late, never early, and nothing is ratcheted up.
    let wall = source.nowMilliseconds()
    let steady = source.steadyMilliseconds()
    var known = offset.load(ordering: .relaxed)
    // Written only when it grows: readers on all cores look at it.
    if wall &- steady > known { known = offset.max(wall &- steady, ordering: .relaxed).newValue }
    // Both are whole milliseconds of clocks that do not turn at the same moment.
    let lead = steady &+ known &- wall
    return (steady &+ known, lead > 1 ? lead : 0)
  }
}
