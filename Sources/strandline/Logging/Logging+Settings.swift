import Foundation
import Logging

extension Settings {
  /// The logger of a command: JSON lines go to standard output as containers want them, unless the command's own output
  /// goes there; text for people goes to standard error.
  func logger(_ label: String, outputIsForData: Bool, environment: [String: String]) -> Logger {
    let descriptor = outputIsForData ? STDERR_FILENO : STDOUT_FILENO
    let isTerminal = isatty(descriptor) == 1
    let isText =
      switch self[SettingsTable.logFormat] ?? .auto {
      case .auto: isTerminal
      case .text: true
      case .json: false
      }
    let form: LineLogHandler.Form =
      isText ? .text(Colour(isOn: isTerminal && Terminal.allowsColour(environment))) : .json
    let level = Logger.Level(rawValue: (self[SettingsTable.logLevel] ?? .info).rawValue) ?? .info
    let sink = DescriptorLogSink(descriptor: descriptor)
    let gate = RepeatGate()
    return Logger(label: label) { label in
      LineLogHandler(label: label, form: form, level: level, sink: sink, gate: gate)
    }
  }
}
