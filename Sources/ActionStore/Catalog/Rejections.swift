/// Where records of one queue and partition were rejected, by ordinal: what a reader's gap holds of them.
///
/// Runs of neighbours are one entry. Beyond ``runsMax`` the two oldest runs become one, which then knows how many
/// records were rejected in it but no longer which.
struct Rejections: Sendable, Equatable {
  static let runsMax = 64

  struct Run: Sendable, Equatable {
    var first: UInt64
    var last: UInt64
    var count: UInt64
  }

  /// Ascending, apart from each other.
  private(set) var runs: [Run] = []
  private(set) var countByReason: [String: UInt64] = [:]

  init() {}

  init(runs: [Run], countByReason: [String: UInt64]) {
    self.runs = runs
    self.countByReason = countByReason
  }

  /// - Parameter ordinal: above every one added before.
  mutating func add(ordinal: UInt64, reason: String) {
    countByReason[reason, default: 0] += 1
    if let last = runs.indices.last, runs[last].last + 1 == ordinal,
      runs[last].count == runs[last].last - runs[last].first + 1
    {
      runs[last].last = ordinal
      runs[last].count += 1
      return
    }
    runs.append(Run(first: ordinal, last: ordinal, count: 1))
    guard runs.count > Self.runsMax else { return }
    runs[1].first = runs[0].first
    runs[1].count += runs[0].count
    runs.removeFirst()
  }

  var count: UInt64 { runs.reduce(0) { $0 + $1.count } }

  /// Forgets records that come again. Of which reason they were is not known here: the most frequent ones are lowered.
  mutating func remove(above ordinal: UInt64) {
    let before = count
    runs.removeAll { $0.first > ordinal }
    if let last = runs.indices.last, runs[last].last > ordinal {
      runs[last].last = ordinal
      runs[last].count = min(runs[last].count, ordinal - runs[last].first + 1)
    }
    var gone = before - count
    while gone > 0, let reason = countByReason.max(by: { $0.value < $1.value }), reason.value > 0 {
      let taken = min(gone, reason.value)
      countByReason[reason.key] = reason.value == taken ? nil : reason.value - taken
      gone -= taken
    }
  }

  /// How many records of these ordinals were rejected; nil when the range cuts a run that no longer knows.
  func count(in ordinals: Range<UInt64>) -> UInt64? {
    var count: UInt64 = 0
    for run in runs where run.last >= ordinals.lowerBound && run.first < ordinals.upperBound {
      let first = max(run.first, ordinals.lowerBound)
      let last = min(run.last, ordinals.upperBound - 1)
      if first == run.first && last == run.last {
        count += run.count
      } else if run.count == run.last - run.first + 1 {
        count += last - first + 1
      } else {
        return nil
      }
    }
    return count
  }
}
