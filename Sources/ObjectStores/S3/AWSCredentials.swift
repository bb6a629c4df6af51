/// A key pair that signs requests. Never described with its secrets.
struct AWSCredentials: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var accessKeyID: String
  var secretKey: String
  /// Of temporary credentials.
  var sessionToken: String?
  /// Nil: for good.
  var expires: WallTime?

  var description: String { "AWSCredentials(hidden)" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}
