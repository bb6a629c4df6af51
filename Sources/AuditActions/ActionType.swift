/// What happened: an action's `event`. The five that every queue service has are named here; any other text of
/// 1…256 bytes without control characters may be used.
public struct ActionType: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let rawValue: String

  @inlinable public init(rawValue: String) { self.rawValue = rawValue }
  @inlinable public init(_ rawValue: String) { self.rawValue = rawValue }
  @inlinable public init(stringLiteral value: String) { rawValue = value }

  public var description: String { rawValue }

  /// A message was deleted.
  public static let messageDeleted: ActionType = "MessageDeleted"
  /// Messages were claimed.
  public static let messagesClaimed: ActionType = "MessagesClaimed"
  /// A claim was renewed, or its time to live or grace changed.
  public static let claimUpdated: ActionType = "ClaimUpdated"
  /// A claim was given back before it expired.
  public static let claimReleased: ActionType = "ClaimReleased"
  /// A claim ran out of time.
  public static let claimExpired: ActionType = "ClaimExpired"
}
