import AuditActions

/// What came of holding against each other what both sides have of a log.
struct SyncComparison: Sendable {
  /// Most conflicts that are told one by one.
  static let conflictsMax = 100

  var log: SyncLog
  /// How many actions both could still give.
  var compared = 0
  var conflicts: [SyncConflict] = []
  var conflictCount = 0
  /// What ended it early.
  var fault: String?

  var isWhole: Bool { fault == nil && conflictCount == 0 }
}

extension SyncRun {
  /// Reads what both have, from both. Nil when there is nothing.
  func compare(_ log: SyncLog, _ states: (SyncState, SyncState)) async -> SyncComparison? {
    let floor = max(states.0.lowest, states.1.lowest)
    var common = states.0.received.intersection(states.1.received)
    if floor > 1 { common = common.subtracting(SequenceRanges(1...(floor - 1))) }
    guard !common.isEmpty else { return nil }
    var comparison = SyncComparison(log: log)
    do throws(SyncFault) {
      try await read(common, of: log, from: first) { (items) throws(SyncFault) in
        // The other side is asked for these alone: it may make larger pages, or smaller ones.
        var numbers = SequenceRanges()
        for item in items { numbers.insert(item.sequence) }
        let mine = Dictionary(items.map { ($0.sequence, $0) }) { first, _ in first }
        try await read(numbers, of: log, from: second) { (others) throws(SyncFault) in
          for other in others {
            guard let own = mine[other.sequence] else { continue }
            comparison.compared += 1
            guard let conflict = SyncConflict(own, other) else { continue }
            comparison.conflictCount += 1
            if comparison.conflicts.count < SyncComparison.conflictsMax { comparison.conflicts.append(conflict) }
          }
        }
      }
    } catch {
      comparison.fault = error.description
    }
    return comparison
  }
}
