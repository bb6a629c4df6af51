import ArgumentParser
import Foundation

/// How the process ends after an error: what is written on standard error and the exit code.
struct CommandEnd: Equatable {
  let status: Int32
  /// nil when ArgumentParser knows best what to write: help, usage, completion scripts.
  let message: String?
  private let parserError: (any Error)?

  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self.init(failure.status, failure.description)
    case let error as ConfigurationError:
      self.init(error.isUsage ? .usage : .configuration, error.description)
    case WriteFailure.readerGone: self.init(.success, "")
    case WriteFailure.failed(let reason): self.init(.input, "Standard output cannot be written: \(reason)")
    case is CancellationError: self.init(.success, "")
    default:
      self.init(status: Strandline.exitCode(for: error).rawValue, message: nil, parserError: error)
    }
  }

  private init(_ status: ExitStatus, _ message: String) {
    self.init(status: status.rawValue, message: message, parserError: nil)
  }

  private init(status: Int32, message: String?, parserError: (any Error)?) {
    self.status = status
    self.message = message
    self.parserError = parserError
  }

  func exit() -> Never {
    if let parserError { Strandline.exit(withError: parserError) }
    if let message, !message.isEmpty {
      try? FileWriter.write(Array("Error: \(message)\n".utf8), to: STDERR_FILENO)
    }
    Foundation.exit(status)
  }

  static func == (left: CommandEnd, right: CommandEnd) -> Bool {
    left.status == right.status && left.message == right.message
  }
}
