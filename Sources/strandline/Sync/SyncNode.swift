import AuditActions
import FeedServer

/// One of the two that are synchronised: what it has of each log, and how actions get out of it and into it.
protocol SyncNode: Sendable {
  /// The logs of a project's sources.
  func logs(of project: String) async throws(SyncFault) -> [SyncLog]
  /// Nil for a log of which nothing came.
  func state(of log: SyncLog) async throws(SyncFault) -> SyncState?
  /// Actions of `ranges` above `after`, ascending.
  func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage
  func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer
  /// Raises the purge point.
  /// - Returns: false for a log of which nothing came yet.
  func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool
}

struct SyncLog: Hashable, Sendable, Comparable {
  var project: String
  var source: String
  var log: String

  static func < (left: Self, right: Self) -> Bool {
    (left.project, left.source, left.log) < (right.project, right.source, right.log)
  }
}

/// What one side has of a log.
struct SyncState: Sendable, Equatable {
  var received = SequenceRanges()
  /// The purge point: what is below is not wanted.
  var lowest: Int64 = 1

  /// What `destination` lacks of what this side has, from both purge points on. The cost follows the ranges, never the
  /// numbers.
  func lacking(in destination: SyncState) -> SequenceRanges {
    let delta = received.subtracting(destination.received)
    let floor = max(lowest, destination.lowest)
    return floor > 1 ? delta.subtracting(SequenceRanges(1...(floor - 1))) : delta
  }
}

/// An action on its way, as the node wrote it.
struct SyncItem: Sendable, Equatable {
  var sequence: Int64
  var json: [UInt8]

  /// Its queue and the bytes of its body: what makes it the same action, on whichever node.
  var contents: (queue: String, body: ArraySlice<UInt8>)? {
    json.withUnsafeBufferPointer { bytes in
      let scanner = JSONScanner(UnsafeRawBufferPointer(bytes))
      guard let root = try? scanner.root(depthMax: ActionLimits.depthMax + 1),
        let members = try? scanner.members(of: root, countMax: 64),
        let queue = members.first(where: { $0.name == "queue" }).flatMap({ scanner.string($0.value) }),
        let body = members.first(where: { $0.name == "body" })
      else { return nil }
      return (queue, json[body.value.range])
    }
  }
}

/// Two actions that have one number.
struct SyncConflict: Sendable, Equatable {
  var sequence: Int64
  /// Of the bodies: of the first node and the second, or of what was sent and what was there. Nil where it is not known.
  var first: String?
  var second: String?
  /// Of the first and the second, where they are for different ones.
  var queues: [String] = []

  init(sequence: Int64, first: String?, second: String?) {
    self.sequence = sequence
    self.first = first
    self.second = second
  }

  /// Nil for two that are the same action.
  init?(_ first: SyncItem, _ second: SyncItem) {
    // One that cannot be taken apart is held against the other as it is.
    let mine = first.contents ?? (queue: "", body: first.json[...])
    let other = second.contents ?? (queue: "", body: second.json[...])
    guard mine.queue != other.queue || mine.body != other.body else { return nil }
    self.init(
      sequence: first.sequence, first: ContentDigest(mine.body).description,
      second: ContentDigest(other.body).description)
    if mine.queue != other.queue { queues = [mine.queue, other.queue] }
  }
}

struct SyncPage: Sendable {
  var items: [SyncItem]
  /// Up to where everything was looked at.
  var reached: Int64
  var isLast: Bool
}

struct SyncAnswer: Sendable {
  var accepted = SequenceRanges()
  /// It had come before.
  var present = SequenceRanges()
  var refused: [Refusal] = []

  struct Refusal: Sendable, Equatable {
    var sequence: Int64?
    var status: Int64
    var detail: String
    /// The number is another action's.
    var conflict: SyncConflict?
  }
}

/// Why a node did not do what it was asked.
struct SyncFault: Error, Equatable, CustomStringConvertible {
  let description: String
  /// Nobody answered.
  var isUnreachable = false

  init(_ description: String, isUnreachable: Bool = false) {
    self.description = description
    self.isUnreachable = isUnreachable
  }
}
