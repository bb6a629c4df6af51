/// How long an action is kept in the feed: 1…1,209,600 whole seconds (14 days).
public struct TimeToLive: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let seconds: Int32

  /// - Throws: `invalid_ttl` outside 1…1,209,600 s.
  public init(seconds: Int) throws(AuditActionError) {
    guard let exact = Int32(exactly: seconds),
      exact >= ActionLimits.timeToLiveSecondsMin, exact <= ActionLimits.timeToLiveSecondsMax
    else { throw .timeToLive }
    self.seconds = exact
  }

  private init(unchecked seconds: Int32) { self.seconds = seconds }

  /// What a record without a time to live gets, unless the node is configured otherwise: 300 s.
  public static let `default` = TimeToLive(unchecked: ActionLimits.defaultTimeToLiveSeconds)

  public static func < (left: TimeToLive, right: TimeToLive) -> Bool { left.seconds < right.seconds }
  public var description: String { "\(seconds) s" }
}

extension AuditActionError {
  static let timeToLive = AuditActionError(
    .invalidTimeToLive,
    "a time to live is a whole number of seconds, \(ActionLimits.timeToLiveSecondsMin) to "
      + "\(ActionLimits.timeToLiveSecondsMax)",
    parameter: "ttl")
}
