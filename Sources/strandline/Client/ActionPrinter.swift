import AuditActions
import Foundation

/// Prints actions: as they came (NDJSON), or as a line for people.
struct ActionPrinter {
  let asJSON: Bool
  let colour: Colour
  private var output = FileWriter.output

  init(asJSON: Bool, colour: Colour) {
    self.asJSON = asJSON
    self.colour = colour
  }

  mutating func print(_ messages: [FeedPage.Message], now: Date = Date()) throws(WriteFailure) {
    for message in messages {
      if asJSON { try output.line(message.bytes) } else { try output.line(Self.line(message, now: now, colour)) }
    }
    try output.flush()
  }

  /// When it was received, what happened, who did it, and the details.
  static func line(_ message: FeedPage.Message, now: Date, _ colour: Colour) -> String {
    let received = now.addingTimeInterval(-Double(message.age))
    let members = message.body.withUnsafeBytes { buffer in
      let scanner = JSONScanner(buffer)
      guard let root = try? scanner.root(), let members = try? scanner.members(of: root, countMax: 1_000) else {
        return (event: "?", user: "", details: String(decoding: buffer, as: UTF8.self))
      }
      func slice(_ name: String) -> JSONSlice? { members.first { $0.name == name }?.value }
      let user = slice("user").flatMap { try? scanner.members(of: $0, countMax: 16) }?
        .first { $0.name == "username" }.flatMap { scanner.string($0.value) }
      return (
        slice("event").flatMap(scanner.string) ?? "?", user ?? "",
        slice("details").map { String(decoding: scanner.bytes(of: $0), as: UTF8.self) } ?? ""
      )
    }
    // In UTC and with its date: an action may be two weeks old.
    let time =
      received.formatted(
        .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false)) + "Z"
    let event = Terminal.harmless(members.event).padded(to: 16)
    let user = Terminal.harmless(members.user).padded(to: 10)
    return "\(colour.dim(time))  \(colour.bold(event))  \(user)  \(colour.dim(Terminal.harmless(members.details)))"
  }
}

extension String {
  /// Filled with spaces on the right.
  fileprivate func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }
}
