/// The algebra of sets: two lists of ranges are gone through once, side by side.
extension SequenceRanges {
  /// What is in this set, in `other`, or in both. Has at most as many ranges as both together.
  public func union(_ other: SequenceRanges) -> SequenceRanges {
    guard !isEmpty else { return other }
    var result = SequenceRanges()
    result.ranges.reserveCapacity(ranges.count + other.ranges.count)
    var mine = ranges[...]
    var theirs = other.ranges[...]
    while let next = Self.popLower(&mine, &theirs) {
      if let last = result.ranges.indices.last, next.lowerBound - 1 <= result.ranges[last].upperBound {
        let upper = max(next.upperBound, result.ranges[last].upperBound)
        result.ranges[last] = result.ranges[last].lowerBound...upper
      } else {
        result.ranges.append(next)
      }
    }
    return result
  }

  /// What is in both. Has fewer ranges than both together.
  public func intersection(_ other: SequenceRanges) -> SequenceRanges {
    var result = SequenceRanges()
    var mine = 0
    var theirs = 0
    while mine < ranges.count, theirs < other.ranges.count {
      let (left, right) = (ranges[mine], other.ranges[theirs])
      if left.overlaps(right) { result.ranges.append(left.clamped(to: right)) }
      if left.upperBound < right.upperBound { mine += 1 } else { theirs += 1 }
    }
    return result
  }

  /// What is in this set and not in `other`. Has at most as many ranges as both together.
  ///
  /// ACE's `diffDest` the other way round: `destination.subtracting(source)` is `source.diffDest(destination)`.
  public func subtracting(_ other: SequenceRanges) -> SequenceRanges {
    var result = SequenceRanges()
    var theirs = 0
    for range in ranges {
      var lower = range.lowerBound
      while theirs < other.ranges.count, other.ranges[theirs].upperBound < lower { theirs += 1 }
      var next = theirs
      var isUsedUp = false
      while next < other.ranges.count, other.ranges[next].lowerBound <= range.upperBound {
        let hole = other.ranges[next]
        if hole.lowerBound > lower { result.ranges.append(lower...(hole.lowerBound - 1)) }
        // Compared before anything is added to it: the highest number has no successor.
        guard hole.upperBound < range.upperBound else {
          isUsedUp = true
          break
        }
        lower = hole.upperBound + 1
        next += 1
      }
      if !isUsedUp { result.ranges.append(lower...range.upperBound) }
      theirs = next
    }
    return result
  }

  /// What is missing below the highest number: 1 … highest without this set. Empty for an empty set.
  public var missing: SequenceRanges {
    guard let highest else { return SequenceRanges() }
    return SequenceRanges(1...highest).subtracting(self)
  }

  /// Takes the range that begins first.
  private static func popLower(
    _ left: inout ArraySlice<ClosedRange<Int64>>, _ right: inout ArraySlice<ClosedRange<Int64>>
  ) -> ClosedRange<Int64>? {
    guard let mine = left.first else { return right.popFirst() }
    guard let theirs = right.first else { return left.popFirst() }
    return mine.lowerBound <= theirs.lowerBound ? left.popFirst() : right.popFirst()
  }
}
