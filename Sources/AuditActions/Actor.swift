/// Who did it: the `user` of an action, as Ignite's event log (IEP-119) writes it.
public struct Actor: Hashable, Sendable {
  public let username: String
  public let authenticationProvider: String

  public init(username: String, authenticationProvider: String) {
    self.username = username
    self.authenticationProvider = authenticationProvider
  }

  /// The service itself, on nobody's behalf.
  public static let system = Actor(username: "SYSTEM", authenticationProvider: "SYSTEM")
}
