import Foundation

/// Says on standard error what is waited for when work takes longer than a user sits still for, on a terminal or not:
/// silence looks like a command that hangs.
enum Patience {
  static let silence: Duration = .seconds(1)

  static func run<Value: Sendable, Failure: Error>(
    _ text: String, _ work: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let notice = Task {
      try await Task.sleep(for: silence)
      try Note(text).write()
    }
    defer { notice.cancel() }
    return try await work()
  }
}
