import ArgumentParser

/// The exit codes of the command, those of sysexits.h where it has one.
enum ExitStatus: Int32, CaseIterable, Sendable {
  case success = 0
  /// The command ran and something in it failed: a refused line, a failed check.
  case failure = 1
  /// Wrong flags or arguments.
  case usage = 64
  /// Input that is not what it should be, for example a line of NDJSON.
  case data = 65
  /// Kafka or the feed cannot be reached.
  case unavailable = 69
  /// A file or directory cannot be used.
  case input = 74
  /// The configuration file or the environment is wrong.
  case configuration = 78

  static let help = """
    Exit codes: 0 done; 1 it ran and something failed; 64 wrong flags; 65 input is not what it should be; \
    69 Kafka or the feed cannot be reached; 74 a file or directory cannot be used; 78 the configuration is wrong.
    """
}

/// How a command ends when it cannot do what it was asked.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
  let status: ExitStatus
  /// What failed and what to do, for people; empty when everything has been said already.
  let description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }
}
