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
    case .empty(let next):
      if let next { target = next }
      return Step(note: recovered(), next: follows ? .ask(afterMilliseconds: intervalMilliseconds) : .done)
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
    let notes = [recovered()].compactMap { $0 } + page.gaps.map(\.description)
    return notes.isEmpty ? nil : notes.joined(separator: "\n")
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
