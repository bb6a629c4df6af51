#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A moment in UTC, in nanoseconds since 1970-01-01T00:00:00Z: years 1677 to 2262.
public struct ActionTime: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let nanosecondsSince1970: Int64

  public init(nanosecondsSince1970: Int64) {
    self.nanosecondsSince1970 = nanosecondsSince1970
  }

  /// The system's clock, now, in its own resolution.
  public static var now: ActionTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let (scaled, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    return ActionTime(nanosecondsSince1970: overflow ? .max : scaled &+ Int64(time.tv_nsec))
  }

  /// Whole milliseconds, rounded towards the past, as Kafka's timestamps are.
  public var millisecondsSince1970: Int64 {
    let (quotient, remainder) = nanosecondsSince1970.quotientAndRemainder(dividingBy: 1_000_000)
    return remainder < 0 ? quotient - 1 : quotient
  }

  public static func < (left: ActionTime, right: ActionTime) -> Bool {
    left.nanosecondsSince1970 < right.nanosecondsSince1970
  }

  public var description: String { rfc3339 }
}
