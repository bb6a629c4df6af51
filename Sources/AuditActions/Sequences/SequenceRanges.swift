/// A set of sequence numbers, kept as ranges: what a log has, or lacks.
///
/// Numbers are 1…9,223,372,036,854,775,807, as Apache ACE counts the events of a log (`SortedRangeSet`, a Java `long`).
/// The cost of every operation follows the number of ranges, never that of numbers: a set of 10^12 numbers is one range.
public struct SequenceRanges: Hashable, Sendable {
  /// Every sequence number there is.
  public static let numbers: ClosedRange<Int64> = 1...Int64.max
  /// Most ranges a set read from text may have.
  public static let rangesMax = 10_000

  /// Ascending, with at least one number between any two.
  public internal(set) var ranges: [ClosedRange<Int64>] = []

  public init() {}

  /// The numbers of `range`; those below 1 are no sequence numbers and are left out.
  public init(_ range: ClosedRange<Int64>) { insert(range) }

  /// Every number there is.
  public static let full = SequenceRanges(numbers)

  public var isEmpty: Bool { ranges.isEmpty }
  /// How many numbers, not how many ranges.
  public var count: Int64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound + 1) } }
  public var lowest: Int64? { ranges.first?.lowerBound }
  public var highest: Int64? { ranges.last?.upperBound }

  public func contains(_ number: Int64) -> Bool {
    let index = firstRange(endingAtOrAfter: number)
    return index < ranges.count && ranges[index].lowerBound <= number
  }

  public func isSuperset(of other: SequenceRanges) -> Bool {
    other.ranges.allSatisfy { range in
      let index = firstRange(endingAtOrAfter: range.lowerBound)
      return index < ranges.count && ranges[index].lowerBound <= range.lowerBound
        && ranges[index].upperBound >= range.upperBound
    }
  }

  public mutating func insert(_ number: Int64) {
    // By far the most frequent: a log that goes on where it was.
    if let last = ranges.indices.last, number > ranges[last].upperBound, number - ranges[last].upperBound == 1 {
      ranges[last] = ranges[last].lowerBound...number
    } else {
      insert(number...number)
    }
  }

  /// Adds the numbers of `range`; those below 1 are no sequence numbers and are left out.
  public mutating func insert(_ range: ClosedRange<Int64>) {
    guard range.upperBound >= 1 else { return }
    var lower = max(1, range.lowerBound)
    var upper = range.upperBound
    // What overlaps or touches becomes one range with it.
    let first = firstRange(endingAtOrAfter: lower - 1)
    var end = first
    while end < ranges.count, ranges[end].lowerBound - 1 <= upper { end += 1 }
    if first < end {
      lower = min(lower, ranges[first].lowerBound)
      upper = max(upper, ranges[end - 1].upperBound)
    }
    ranges.replaceSubrange(first..<end, with: CollectionOfOne(lower...upper))
  }

  /// Leaves the `count` highest ranges.
  package mutating func removeLowest(keeping count: Int) { ranges.removeFirst(max(0, ranges.count - count)) }

  /// Index of the first range whose last number is `number` or more; the count of ranges when there is none.
  func firstRange(endingAtOrAfter number: Int64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
