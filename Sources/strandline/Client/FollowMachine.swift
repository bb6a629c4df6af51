/// Decides what a follower does next; knows neither HTTP nor time.
///
/// One request at a time, each answered by one `receive`:
/// asking → (page) asking at once, at the page's `next` → (empty) asking again after the interval → (unavailable, lost)
/// asking again later and later, with the same marker, so that nothing is missed → (refused) over.
struct FollowMachine {
  /// Longest wait that a server's `Retry-After` is believed.
  static let retryAfterSecondsMax = 60
  static let firstBackoffMilliseconds = 500
  static let backoffMillisecondsMax = 15_000

  struct Step: Equatable {
    /// Actions to print before anything else.
    var messages: [FeedPage.Message] = []
    /// Something to tell the user.
    var note: String?
    var next: Next

    enum Next: Equatable {
      /// Ask for `target` after this time.
      case ask(afterMilliseconds: Int)
      /// All there is has been read; only when it does not follow.
      case done
      case fail(CommandFailure)
    }
  }

  /// Path and query of the next request.
  private(set) var target: String
  let intervalMilliseconds: Int
  /// Whether to go on after the last action there is.
  let follows: Bool
  private var failures = 0
  /// What was told to be missing; every answer says it again.
  private var missingTold: Missing?

  private enum Missing: Equatable {
    case logs([FeedPage.Missing])
    case count(Int64)
  }

  init(target: String, intervalMilliseconds: Int, follows: Bool) {
    self.target = target
    self.intervalMilliseconds = intervalMilliseconds
    self.follows = follows
  }

  mutating func receive(_ reading: FeedReading) -> Step {
    switch reading {
    case .page(let page):
      let isStanding = page.next == target
      target = page.next
      let isWaiting = page.messages.isEmpty && isStanding
      return Step(
        messages: page.messages, note: notes(of: page),
        next: isWaiting && !follows ? .done : .ask(afterMilliseconds: isWaiting ? intervalMilliseconds : 0))
    case .empty(let next, let missing):
      if let next { target = next }
      return Step(
        note: notes([recovered(), note(missing: missing)]),
        next: follows ? .ask(afterMilliseconds: intervalMilliseconds) : .done)
    case .unavailable(let status, let retryAfter, let detail):
      let wait = retryAfter.map { min(max($0, 0), Self.retryAfterSecondsMax) * 1_000 }
      return failed("the feed answers \(status)" + (detail.isEmpty ? "" : ": \(detail)"), waitMilliseconds: wait)
    case .lost(let reason):
      return failed("the feed cannot be reached: \(reason)", waitMilliseconds: nil)
    case .wrongAddress(let reason):
      return Step(next: .fail(CommandFailure(.unavailable, reason)))
    case .refused(let status, let detail):
      let text = "the feed refuses the request (\(status))" + (detail.isEmpty ? "" : ": \(detail)")
      return Step(next: .fail(CommandFailure(.failure, text)))
    }
  }

  private mutating func notes(of page: FeedPage) -> String? {
    notes([recovered()] + page.gaps.map(\.description) + [note(missing: page.missing)])
  }

  private func notes(_ notes: [String?]) -> String? {
    let notes = notes.compactMap { $0 }
    return notes.isEmpty ? nil : notes.joined(separator: "\n")
  }

  private mutating func note(missing logs: [FeedPage.Missing]) -> String? {
    guard !logs.isEmpty else { return noteNothingMissing() }
    defer { missingTold = .logs(logs) }
    return missingTold == .logs(logs) ? nil : logs.map(\.description).joined(separator: "\n")
  }

  /// An empty answer says only how many; who knows which ones need not be told.
  private mutating func note(missing count: Int64) -> String? {
    switch missingTold {
    case _ where count == 0: return noteNothingMissing()
    case .logs(let logs) where logs.reduce(0, { $0 &+ $1.count }) == count: return nil
    case .count(count): return nil
    default:
      missingTold = .count(count)
      return "\(count) actions of this queue's sources have not come; GET /v1/{project}/sources tells which"
    }
  }

  private mutating func noteNothingMissing() -> String? {
    defer { missingTold = nil }
    return missingTold == nil ? nil : "what was missing has come"
  }

  /// Told once for a fault that goes on.
  private mutating func failed(_ reason: String, waitMilliseconds: Int?) -> Step {
    failures += 1
    let doubled = Self.firstBackoffMilliseconds << min(failures - 1, 10)
    let wait = max(waitMilliseconds ?? min(doubled, Self.backoffMillisecondsMax), Self.firstBackoffMilliseconds)
    return Step(note: failures == 1 && follows ? "\(reason); trying again" : nil, next: .ask(afterMilliseconds: wait))
  }

  private mutating func recovered() -> String? {
    defer { failures = 0 }
    return failures > 0 && follows ? "the feed answers again" : nil
  }
}
