public import AuditActions

/// An action whose body is JSON already; it is sent byte for byte.
public struct RawAction: Sendable, Hashable {
  /// The record's value; checked by ``ActionBody/validate(_:)`` when it is emitted.
  public let body: [UInt8]
  public let timeToLive: TimeToLive?

  public init(body: [UInt8], timeToLive: TimeToLive? = nil) {
    self.body = body
    self.timeToLive = timeToLive
  }
}
