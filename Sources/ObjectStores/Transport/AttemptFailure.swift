/// Why one try of a request failed, and whether another can succeed.
struct AttemptFailure: Error, Sendable {
  enum Next: Sendable, Equatable {
    /// Another try would end the same.
    case giveUp
    /// After the usual wait.
    case tryAgain
    /// After what the server asked for (`Retry-After`).
    case tryAfter(Duration)
    /// At once: what was wrong (a token, the clock) has been put right.
    case tryNow
  }

  var error: ObjectStoreError
  var next: Next
  /// A short word for metrics: `connection`, `timeout`, `status_503`, …
  var reason: String

  init(_ error: ObjectStoreError, next: Next, reason: String) {
    self.error = error
    self.next = next
    self.reason = reason
  }

  /// An end that no other try can change.
  static func final(_ code: ObjectStoreError.Code, _ detail: String) -> AttemptFailure {
    AttemptFailure(ObjectStoreError(code, detail), next: .giveUp, reason: code.rawValue)
  }

  static func passing(_ code: ObjectStoreError.Code, _ detail: String, reason: String) -> AttemptFailure {
    AttemptFailure(ObjectStoreError(code, detail, isRetriable: true), next: .tryAgain, reason: reason)
  }
}
