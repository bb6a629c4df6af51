/// How far one page has come in one partition of a queue, and what it could not read on the way.
///
/// Every record of the queue in the partition has an ordinal, so what is missing between two records is a subtraction.
struct PartitionReading {
  /// Where a reader has come. The ordinal is nil when it is another store's count and cannot be found out: then records
  /// were lost, and nobody here knows how many.
  struct Place {
    var offset: Int64
    var ordinal: UInt64?
  }

  let facts: QueueDirectory.Facts
  /// Holes that a reader who comes past them is told of, ascending, from the first that he has not come past.
  private var holes: ArraySlice<Hole>
  private(set) var place: Place
  /// False until something was passed: the reader's own place need not be changed.
  private(set) var hasMoved = false
  /// Ordinals passed that are in no index, have expired or are over what the queue keeps, rejected ones included.
  private(set) var missing: [Range<UInt64>] = []
  private var uncounted: ClosedRange<Int64>?
  private var offsets: ClosedRange<Int64>?
  private var passedHoles: [Hole] = []

  /// - Parameter holes: those that end behind `start`, ascending.
  init(facts: QueueDirectory.Facts, holes: ArraySlice<Hole>, start: Place) {
    self.facts = facts
    self.holes = holes
    place = start
  }

  /// Whether something lies between what was passed last and a record, that can no longer be read.
  func isGap(before offset: Int64, ordinal: UInt64) -> Bool {
    guard let known = place.ordinal else { return offset > place.offset + 1 }
    return ordinal > known + 1 || holes.first.map { $0.from < offset } ?? false
  }

  /// Goes past everything up to a record, which itself is returned or left out by a filter.
  mutating func pass(offset: Int64, ordinal: UInt64) {
    skip(to: offset - 1, ordinal: ordinal - 1)
    place = Place(offset: offset, ordinal: ordinal)
    hasMoved = true
  }

  /// Goes past records that can no longer be read, up to and with the one of `ordinal`.
  mutating func skip(to offset: Int64, ordinal: UInt64) {
    if !holes.isEmpty { passHoles(to: offset) }
    let from = place.offset + 1
    if let known = place.ordinal {
      if ordinal > known {
        missing.append((known + 1)..<(ordinal + 1))
        offsets = min(offsets?.lowerBound ?? from, from)...max(offset, from)
        place.ordinal = ordinal
        hasMoved = true
      }
    } else {
      // Between neighbours nothing can have been.
      if offset >= from { uncounted = from...offset }
      place.ordinal = ordinal
      hasMoved = true
    }
    if offset > place.offset {
      place.offset = offset
      hasMoved = true
    }
  }

  private mutating func passHoles(to offset: Int64) {
    while let hole = holes.first, hole.from <= offset {
      passedHoles.append(hole)
      holes.removeFirst()
    }
  }

  /// Goes past everything the store had: called when nothing more of it can be read.
  mutating func passEverything() {
    let end = max(facts.counters.lastOffset, holes.last.map { $0.to - 1 } ?? -1)
    guard place.ordinal.map({ facts.counters.received > $0 }) ?? true || end > place.offset else { return }
    hasMoved = true
    skip(to: max(end, place.offset), ordinal: max(facts.counters.received, place.ordinal ?? 0))
  }

  /// What was passed and could not be read.
  var gaps: [Gap] {
    let partition = facts.group.partition
    var gaps = passedHoles.map {
      Gap(reason: .init($0.reason), count: nil, partition: partition, from: $0.from, to: $0.to - 1)
    }
    let floor = facts.counters.floor
    if let uncounted {
      func gap(_ reason: Gap.Reason) -> Gap {
        Gap(reason: reason, count: nil, partition: partition, from: uncounted.lowerBound, to: uncounted.upperBound)
      }
      if floor.offset >= uncounted.lowerBound { gaps.append(gap(.queueRetention)) }
      if floor.offset < uncounted.upperBound { gaps.append(gap(.expired)) }
    }
    guard let offsets, !missing.isEmpty else { return gaps }
    func gap(_ reason: Gap.Reason, _ count: UInt64?) -> Gap {
      Gap(reason: reason, count: count, partition: partition, from: offsets.lowerBound, to: offsets.upperBound)
    }
    let all = missed(above: 0)
    let above = missed(above: floor.ordinal)
    guard let rejected = rejected(above: 0), let rejectedAbove = self.rejected(above: floor.ordinal) else {
      return gaps + (all > above ? [gap(.queueRetention, nil)] : []) + [gap(.expired, nil), gap(.rejected, nil)]
    }
    let over = (all - above) - min(all - above, rejected - min(rejected, rejectedAbove))
    if over > 0 { gaps.append(gap(.queueRetention, over)) }
    if above > rejectedAbove { gaps.append(gap(.expired, above - rejectedAbove)) }
    if rejected > 0 { gaps.append(gap(.rejected, rejected)) }
    return gaps
  }

  /// Of the missing ordinals above `ordinal`, those that expired or are over what the queue keeps.
  func expired(above ordinal: UInt64) -> UInt64 {
    let all = missed(above: ordinal)
    return all - min(all, rejected(above: ordinal) ?? 0)
  }

  private func missed(above ordinal: UInt64) -> UInt64 {
    missing.reduce(UInt64(0)) { count, range in
      range.upperBound > ordinal + 1 ? count + (range.upperBound - max(range.lowerBound, ordinal + 1)) : count
    }
  }

  private func rejected(above ordinal: UInt64) -> UInt64? {
    guard facts.counters.rejected > 0 else { return 0 }
    var count: UInt64 = 0
    for range in missing where range.upperBound > ordinal + 1 {
      guard let found = facts.rejections.count(in: max(range.lowerBound, ordinal + 1)..<range.upperBound) else {
        return nil
      }
      count += found
    }
    return count
  }
}
