/// The result of one check: how it stands, and what to mend.
struct Finding: Sendable, Equatable {
  enum Level: String, Sendable {
    case ok, warn, fail
  }

  let level: Level
  /// What was looked at: `broker`, `topic audit.actions`, `disk`.
  let subject: String
  let detail: String
  /// What to do about it; nil when all is well.
  let mend: String?

  static func ok(_ subject: String, _ detail: String) -> Finding {
    Finding(level: .ok, subject: subject, detail: detail, mend: nil)
  }

  static func warn(_ subject: String, _ detail: String, mend: String) -> Finding {
    Finding(level: .warn, subject: subject, detail: detail, mend: mend)
  }

  static func fail(_ subject: String, _ detail: String, mend: String) -> Finding {
    Finding(level: .fail, subject: subject, detail: detail, mend: mend)
  }

  var json: JSONValue {
    .object([
      ("level", .string(level.rawValue)), ("check", .string(subject)), ("detail", .string(detail)),
      ("mend", .optional(mend)),
    ])
  }

  func text(_ colour: Colour) -> String {
    let mark =
      switch level {
      case .ok: colour.green("[ok]  ")
      case .warn: colour.yellow("[warn]")
      case .fail: colour.red("[fail]")
      }
    return "\(mark) \(subject): \(detail)" + (mend.map { "\n       → \($0)" } ?? "")
  }

  /// Writes findings as a command's output, at once.
  static func write(_ findings: [Finding], asJSON: Bool, _ colour: Colour) throws(WriteFailure) {
    var output = FileWriter.output
    for finding in findings {
      if asJSON { try output.line(finding.json) } else { try output.line(finding.text(colour)) }
    }
    try output.flush()
  }
}
