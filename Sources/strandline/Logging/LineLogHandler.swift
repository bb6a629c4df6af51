import Foundation
import Logging

/// Writes log lines as text for people or as JSON for machines; a repeating warning or error at most once a second.
struct LineLogHandler: LogHandler {
  enum Form: Sendable {
    case text(Colour)
    case json
  }

  var label: String
  let form: Form
  let sink: any LogSink
  let gate: RepeatGate
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  /// Time is given, so that a test need not wait for it.
  var now: @Sendable () -> (wall: Date, steady: ContinuousClock.Instant) = { (Date(), .now) }

  init(label: String, form: Form, level: Logger.Level, sink: any LogSink, gate: RepeatGate) {
    self.label = label
    self.form = form
    logLevel = level
    self.sink = sink
    self.gate = gate
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let (wall, steady) = now()
    var all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
    if let error = event.error { all["error"] = "\(error)" }
    if event.level >= .warning {
      guard let heldBack = gate.admit("\(event.level) \(label) \(event.message)", at: steady) else { return }
      if heldBack > 0 { all["repeated"] = "\(heldBack)" }
    }
    let line =
      switch form {
      case .text(let colour): text(event, all, wall, colour)
      case .json: json(event, all, wall)
      }
    sink.write(line + [UInt8(ascii: "\n")])
  }

  private func text(_ event: LogEvent, _ metadata: Logger.Metadata, _ time: Date, _ colour: Colour) -> [UInt8] {
    let level = "\(event.level)".padding(toLength: 8, withPad: " ", startingAt: 0)
    let painted =
      switch event.level {
      case .critical, .error: colour.red(level)
      case .warning: colour.yellow(level)
      case .notice, .info: colour.green(level)
      case .debug, .trace: colour.dim(level)
      }
    let rest = metadata.sorted { $0.key < $1.key }.map { colour.dim("\($0.key)=") + Self.plain($0.value) }
    let words = [colour.dim(Self.format(time)), painted, Terminal.harmless("\(event.message)")] + rest
    return Array((words + [colour.dim("(\(label))")]).joined(separator: " ").utf8)
  }

  private func json(_ event: LogEvent, _ metadata: Logger.Metadata, _ time: Date) -> [UInt8] {
    var members: [(String, JSONValue)] = [
      ("time", .string(Self.format(time))), ("level", .string("\(event.level)")), ("logger", .string(label)),
      ("message", .string("\(event.message)")),
    ]
    if !metadata.isEmpty {
      members.append(("metadata", .object(metadata.sorted { $0.key < $1.key }.map { ($0.key, Self.json($0.value)) })))
    }
    return JSONValue.object(members).bytes
  }

  private static func format(_ time: Date) -> String {
    time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  private static func plain(_ value: Logger.Metadata.Value) -> String {
    let text = Terminal.harmless("\(value)")
    return text.contains(" ") ? "\"\(text)\"" : text
  }

  private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
    switch value {
    case .string(let text): .string(text)
    case .stringConvertible(let text): .string("\(text)")
    case .array(let values): .array(values.map(json))
    case .dictionary(let values): .object(values.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
    }
  }
}
