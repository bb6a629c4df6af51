/// A lane holds actions of one TTL class, so that those written together also expire together.
///
/// Classes double from 5 minutes to 14 days: lane 0 holds TTLs up to 300 s, lane 1 up to 600 s, … lane 12 up to
/// 1,228,800 s. A segment takes actions for an eighth of its class at most; it outlives its first action by no more
/// than that and the spread of the class.
enum Lane {
  static let count = 13
  private static let shortestClassSeconds: Int64 = 300

  /// The lane of a TTL in seconds.
  static func lane(forTimeToLive seconds: Int32) -> Int {
    var lane = 0
    var classSeconds = shortestClassSeconds
    while Int64(seconds) > classSeconds, lane < count - 1 {
      classSeconds *= 2
      lane += 1
    }
    return lane
  }

  /// For how long a segment of this lane takes actions, in milliseconds.
  static func windowMilliseconds(_ lane: Int) -> Int64 {
    (shortestClassSeconds << Int64(lane)) * 1_000 / 8
  }
}
