package import AuditActions
import Synchronization

/// What is missing of the logs whose actions came all for one queue: a statement for that queue's readers. What is missing
/// may have been for another queue all the same; nobody knows before it comes.
package struct MissingNumbers: Sendable, Equatable {
  /// Most logs that are named, and most ranges of a log.
  package static let logsMax = 20
  package static let rangesMax = 20

  /// Of one log.
  package struct Log: Sendable, Equatable {
    package var key: SourceLogKey
    /// How many numbers are missing.
    package var count: Int64
    /// The lowest of them: ``MissingNumbers/rangesMax`` ranges.
    package var ranges: SequenceRanges
    /// Since when the first of them has been, milliseconds since 1970.
    package var sinceMilliseconds: Int64
  }

  /// The first ``logsMax``, ascending.
  package internal(set) var logs: [Log]
  /// Of all logs, named or not.
  package internal(set) var count: Int64
}

/// Who is to be told of missing numbers, found out by the store's writer now and then; nearly always nobody, which costs
/// a reader one load.
final class MissingIndex: Sendable {
  /// Numbers that come out of order, or that are sent again after a failure, are late by less: only what has been missing
  /// for longer is stated. Ten seconds, as for how far a node that vouches may be behind.
  static let graceMilliseconds: Int64 = 10_000

  fileprivate struct State {
    var queues: [QueueKey: [SourceLogKey: MissingNumbers.Log]] = [:]
    /// Of the logs that are in it.
    var queueOfLog: [SourceLogKey: QueueKey] = [:]
    var statements: [QueueKey: MissingNumbers] = [:]
    /// Gaps noticed later are not stated yet.
    var notedUntil = Int64.min
  }

  private let hasAny = Atomic(false)
  private let state = Mutex(State())
  /// What lies below is not wanted any more, and not missed.
  private let purgePoints: PurgePoints

  init(purgePoints: PurgePoints) { self.purgePoints = purgePoints }

  /// Nil when nothing is missing that is known to be the queue's.
  func statement(of queue: QueueKey) -> MissingNumbers? {
    guard hasAny.load(ordering: .acquiring) else { return nil }
    return state.withLock { $0.statements[queue] }
  }

  var isStating: Bool { hasAny.load(ordering: .acquiring) }

  /// Looks at all logs anew.
  func refresh(_ logs: [SourceLogKey: SourceLog], now: Int64) {
    var found = State()
    found.notedUntil = now.subtractingReportingOverflow(Self.graceMilliseconds).partialValue
    for (key, log) in logs { found.note(key, log, from: purgePoints[key]) }
    found.statements = found.queues.mapValues { MissingNumbers($0) }
    // Readers wait for no more than this.
    state.withLock { $0 = found }
    hasAny.store(!found.statements.isEmpty, ordering: .releasing)
  }

  /// Takes back at once what has come; what is newly missing is for the next ``refresh(_:now:)``.
  func update(_ logs: [SourceLogKey: SourceLog]) {
    guard hasAny.load(ordering: .acquiring) else { return }
    state.withLock { state in
      for (key, log) in logs {
        guard let queue = state.queueOfLog.removeValue(forKey: key) else { continue }
        state.queues[queue]?[key] = nil
        state.note(key, log, from: purgePoints[key])
        let left = state.queues[queue] ?? [:]
        state.queues[queue] = left.isEmpty ? nil : left
        state.statements[queue] = left.isEmpty ? nil : MissingNumbers(left)
      }
      hasAny.store(!state.statements.isEmpty, ordering: .releasing)
    }
  }
}

extension MissingIndex.State {
  fileprivate mutating func note(_ key: SourceLogKey, _ log: SourceLog, from lowest: Int64) {
    guard !log.gaps.isEmpty, case .sole(let queue) = log.queue else { return }
    var statement = MissingNumbers.Log(
      key: key, count: 0, ranges: SequenceRanges(), sinceMilliseconds: .max)
    var ranges = 0
    for gap in log.gaps(from: lowest) where gap.sinceMilliseconds <= notedUntil {
      // Gaps of a log do not overlap: their sum is a number of the log's.
      statement.count &+= gap.numbers.upperBound &- gap.numbers.lowerBound &+ 1
      statement.sinceMilliseconds = min(statement.sinceMilliseconds, gap.sinceMilliseconds)
      if ranges < MissingNumbers.rangesMax { statement.ranges.insert(gap.numbers) }
      ranges += 1
    }
    guard ranges > 0 else { return }
    let queueKey = QueueKey("\(key.project)/\(queue)")
    queues[queueKey, default: [:]][key] = statement
    queueOfLog[key] = queueKey
  }
}

extension MissingNumbers {
  fileprivate init(_ logs: [SourceLogKey: Log]) {
    self.logs = Array(logs.values.sorted { $0.key < $1.key }.prefix(Self.logsMax))
    count = logs.values.reduce(0) { sum, log in
      let (next, isOver) = sum.addingReportingOverflow(log.count)
      return isOver ? .max : next
    }
  }
}
