import AuditActions
import Foundation

/// Reads pages and prints their actions until there are no more, a number is reached, or for ever.
struct FeedReader {
  /// What is asked for.
  struct Query: Sendable {
    var queue: QueueAddress
    var marker: String?
    var events: [String] = []
    /// 1…50 actions a page.
    var pageSize = ActionLimits.pageActionsMax

    var target: String {
      var parts = ["limit=\(pageSize)"]
      if let marker { parts.insert("marker=\(Self.encode(marker))", at: 0) }
      parts += events.map { "event=\(Self.encode($0))" }
      return "/v1/\(queue.project)/queues/\(queue.queue)/actions?" + parts.joined(separator: "&")
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    static func encode(_ text: String) -> String {
      var result = ""
      for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
          UInt8(ascii: "~"):
          result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
          let digits = String(byte, radix: 16, uppercase: true)
          result += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
        }
      }
      return result
    }

    /// The same request for at most `count` actions.
    static func limiting(_ target: String, to count: Int) -> String {
      target.replacing(/([?&]limit=)([0-9]+)/) { match in
        "\(match.1)\(min(Int(match.2) ?? count, count))"
      }
    }

    /// The marker in a `next` link, for the user to go on with.
    static func marker(in target: String) -> String? {
      target.firstMatch(of: /[?&]marker=([^&]*)/).map { String($0.1) }
    }
  }

  let read: @Sendable (_ target: String) async -> FeedReading
  let sleep: @Sendable (_ milliseconds: Int) async throws -> Void
  /// For a fault that passes: how often `actions` tries before it gives up; a follower never does.
  var attemptsMax = 5
  /// The same where nobody answers: once more, for a feed that is just being started again.
  var lostMax = 2

  /// - Parameter limit: how many actions at most
  /// - Returns: where to go on
  func run(
    _ machine: FollowMachine, limit: Int?, print: ([FeedPage.Message]) throws -> Void, note: (String) throws -> Void
  ) async throws -> String {
    var machine = machine
    var left = limit ?? .max
    var attempts = 0
    while true {
      // The last page must end where printing ends, or what it leads to would skip actions.
      let reading = await read(Query.limiting(machine.target, to: left))
      try Task.checkCancellation()
      let step = machine.receive(reading)
      if let text = step.note { try note(text) }
      if !step.messages.isEmpty {
        try print(Array(step.messages.prefix(left)))
        left -= min(left, step.messages.count)
        if left == 0 { return machine.target }
      }
      switch reading {
      case .unavailable(_, _, let detail):
        attempts += 1
        if !machine.follows, attempts >= attemptsMax {
          throw CommandFailure(.unavailable, "the feed is not available: \(detail)")
        }
      case .lost(let reason):
        // Someone who asks for what is there now wants to know soon that nobody answers.
        attempts += 1
        if !machine.follows, attempts >= lostMax {
          throw CommandFailure(.unavailable, "the feed cannot be reached: \(reason)")
        }
      default: attempts = 0
      }
      switch step.next {
      case .done: return machine.target
      case .fail(let failure): throw failure
      case .ask(let milliseconds): if milliseconds > 0 { try await sleep(milliseconds) }
      }
    }
  }
}
