import NIOCore

/// What a connection waits for, and until when. A pure value: time comes in, decisions go out.
///
/// Nothing a client sends bit by bit moves a deadline: only a whole head, the end of the content, or a drained socket
/// does. So a slow client ends at a known moment.
struct ConnectionDeadlines {
  enum Expiry: String, Sendable {
    case idle, head, content, write, drain, linger
  }

  enum Waiting {
    /// For a request to begin.
    case request
    /// For the rest of a head.
    case head
    /// For the rest of the content.
    case content
    /// For our own answer.
    case nothing
  }

  private let idle: TimeAmount
  private let head: TimeAmount
  private let content: TimeAmount
  private let write: TimeAmount
  private let drain: TimeAmount
  /// How long input is thrown away after a last answer, so that closing does not take it back (RFC 9112, 9.6).
  private static let linger = TimeAmount.seconds(2)

  private(set) var waiting = Waiting.request
  private var since: NIODeadline
  private var unwritableSince: NIODeadline?
  /// Since when the last bytes have waited for the client; every time it takes some it begins anew.
  private var flushesSince: NIODeadline?
  private var drainsSince: NIODeadline?
  private var lingersSince: NIODeadline?

  init(limits: ConnectionLimits, now: NIODeadline) {
    idle = TimeAmount(limits.idleTimeout)
    head = TimeAmount(limits.headTimeout)
    content = TimeAmount(limits.contentTimeout)
    write = TimeAmount(limits.writeTimeout)
    drain = TimeAmount(limits.drainTimeout)
    since = now
  }

  mutating func wait(for waiting: Waiting, now: NIODeadline) {
    self.waiting = waiting
    since = now
  }

  mutating func setWritable(_ isWritable: Bool, now: NIODeadline) {
    unwritableSince = isWritable ? nil : (unwritableSince ?? now)
    if isWritable, flushesSince != nil { flushesSince = now }
  }

  /// The client has taken enough of its answer to be waited for again.
  mutating func noteProgress(now: NIODeadline) {
    if unwritableSince != nil { unwritableSince = now }
    if flushesSince != nil { flushesSince = now }
  }

  mutating func beginDraining(now: NIODeadline) { drainsSince = drainsSince ?? now }
  mutating func beginFlushing(now: NIODeadline) { flushesSince = now }

  mutating func beginLingering(now: NIODeadline) {
    flushesSince = nil
    lingersSince = lingersSince ?? now
  }

  var isLingering: Bool { lingersSince != nil }

  /// The first deadline to come, and what it ends.
  var next: (deadline: NIODeadline, expiry: Expiry)? {
    var next: (deadline: NIODeadline, expiry: Expiry)?
    func consider(_ start: NIODeadline?, _ amount: TimeAmount, _ expiry: Expiry) {
      guard let start else { return }
      if next.map({ start + amount < $0.deadline }) ?? true { next = (start + amount, expiry) }
    }
    switch waiting {
    case .request: consider(since, idle, .idle)
    case .head: consider(since, head, .head)
    case .content: consider(since, content, .content)
    case .nothing: break
    }
    consider(unwritableSince, write, .write)
    consider(flushesSince, write, .write)
    consider(drainsSince, drain, .drain)
    consider(lingersSince, Self.linger, .linger)
    return next
  }

  func expired(now: NIODeadline) -> Expiry? {
    guard let next, next.deadline <= now else { return nil }
    return next.expiry
  }
}
