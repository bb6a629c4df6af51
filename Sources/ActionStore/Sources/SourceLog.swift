package import AuditActions

/// Names a log: sequence numbers count within one project, source and log.
package struct SourceLogKey: Hashable, Sendable, Comparable {
  package var project: String
  package var source: String
  package var log: String

  package init(project: String, source: String, log: String) {
    self.project = project
    self.source = source
    self.log = log
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.project, left.source, left.log) < (right.project, right.source, right.log)
  }
}

/// What has come of one log, and what is missing.
package struct SourceLog: Sendable, Equatable {
  /// Most gaps of a log. Beyond that the lowest are given up: see ``forgottenBelow``.
  ///
  /// A node that catches up reads partitions one after the other, and a source's numbers lie on all of them: gaps come
  /// by the thousand, and are soon closed.
  package static let gapsMax = 10_000

  /// Numbers that are missing below the highest.
  package struct Gap: Sendable, Equatable {
    package var numbers: ClosedRange<Int64>
    /// When a number above it came while it was lacking, milliseconds since 1970.
    package var sinceMilliseconds: Int64
  }

  /// All numbers received, and those given up.
  package internal(set) var received = SequenceRanges()
  /// What is missing below the highest number, ascending; those given up are not in it.
  package internal(set) var gaps: [Gap] = []
  package internal(set) var firstSeenMilliseconds: Int64
  package internal(set) var lastSeenMilliseconds: Int64
  /// Records that came again with a number received before, and were dropped.
  package internal(set) var duplicates: UInt64 = 0
  /// Below this number it is not known singly what came: so many gaps there were. 1: nothing is given up. What comes
  /// below it is taken, for it may well be new.
  package internal(set) var forgottenBelow: Int64 = 1
  /// How many numbers below it were missing when they were given up.
  package internal(set) var forgotten: Int64 = 0
  /// For which queue they came: what is missing is told to that one's readers.
  var queue = LogQueue.none
  /// Of the latest numbers, to tell a repetition from another record of that number. In memory only.
  var recent = RecentContents()
  /// Numbers read again after the store lost what it had: see ``SourceLedger``. In memory only.
  var reread = SequenceRanges()

  init(now: Int64) {
    firstSeenMilliseconds = now
    lastSeenMilliseconds = now
  }

  /// 0 when nothing came.
  package var highest: Int64 { received.highest ?? 0 }
  package var missingCount: Int64 { gaps.reduce(0) { $0 + ($1.numbers.upperBound - $1.numbers.lowerBound + 1) } }
  package var receivedCount: Int64 { received.count - forgotten }

  /// Takes numbers; the cost follows the gaps there are, whatever the numbers.
  mutating func receive(_ numbers: SequenceRanges, now: Int64) {
    guard let first = numbers.ranges.first else { return }
    lastSeenMilliseconds = max(lastSeenMilliseconds, now)
    if numbers.ranges.count == 1 { received.insert(first) } else { received = received.union(numbers) }
    // By far the most frequent: nothing is missing, and nothing was.
    if gaps.isEmpty, received.ranges.count == 1, received.lowest == 1 { return }
    // What is missing now lies in one of the gaps there were, or above what was the highest number.
    var known = gaps[...]
    gaps = received.missing.ranges.map { missing in
      while let gap = known.first, gap.numbers.upperBound < missing.lowerBound { known.removeFirst() }
      return Gap(numbers: missing, sinceMilliseconds: known.first?.sinceMilliseconds ?? now)
    }
    forgetGaps(keeping: Self.gapsMax)
  }

  /// Gives up the lowest gaps: their numbers count as forgotten, and are not compared any more.
  mutating func forgetGaps(keeping count: Int) {
    let given = gaps.prefix(max(0, gaps.count - count))
    guard let end = given.last?.numbers.upperBound else { return }
    forgotten += given.reduce(0) { $0 + ($1.numbers.upperBound - $1.numbers.lowerBound + 1) }
    received.insert(1...end)
    forgottenBelow = end + 1
    gaps.removeFirst(given.count)
  }

  /// Notes what was read again, without growing beyond all bounds: what falls out of it may be taken twice.
  mutating func noteReread(_ numbers: SequenceRanges) {
    reread = reread.union(numbers)
    reread.removeLowest(keeping: Self.gapsMax)
  }
}

/// Checksums of the contents of a log's latest numbers.
struct RecentContents: Sendable, Equatable {
  static let countMax = 512

  private var numbers: [Int64] = []
  private var checksums: [UInt32] = []

  mutating func note(_ checksum: UInt32, of number: Int64) {
    if numbers.isEmpty {
      numbers = Array(repeating: 0, count: Self.countMax)
      checksums = Array(repeating: 0, count: Self.countMax)
    }
    let place = Int(number % Int64(Self.countMax))
    numbers[place] = number
    checksums[place] = checksum
  }

  /// Nil when it is not known any more.
  func checksum(of number: Int64) -> UInt32? {
    guard !numbers.isEmpty else { return nil }
    let place = Int(number % Int64(Self.countMax))
    return numbers[place] == number ? checksums[place] : nil
  }
}
