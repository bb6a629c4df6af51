import Synchronization

/// A segment as readers see it: its bytes, mapped, and its index. Immutable but for what an open index gains.
final class Segment: Sendable {
  enum Index: Sendable {
    case open(OpenIndex)
    case sealed(SealedIndex)
  }

  let number: UInt64
  let lane: Int
  let mapping: FileMapping
  let index: Index
  /// What has to be asked before anything is read; nil for what this process has written, or read already.
  let check: SegmentCheck?
  /// Offsets seen when the segment was sealed, by partition: `first ..< next`. Empty while it is open.
  let coverage: [Int32: Range<Int64>]
  /// Which of its actions have numbers of a source.
  let numbers: SegmentNumbers
  /// When its last action expires, milliseconds since 1970; never lowered.
  private let latestExpiry: Atomic<Int64>

  init(
    number: UInt64, lane: Int, mapping: FileMapping, index: Index, coverage: [Int32: Range<Int64>], latestExpiry: Int64,
    check: SegmentCheck? = nil
  ) {
    self.number = number
    self.lane = lane
    self.mapping = mapping
    self.index = index
    self.check = check
    self.coverage = coverage
    self.latestExpiry = Atomic(latestExpiry)
    // What is written to is told of every frame; what is sealed is looked at when somebody asks.
    if case .open = index { numbers = SegmentNumbers(isRead: true) } else { numbers = SegmentNumbers(isRead: false) }
  }

  var latestExpiryMilliseconds: Int64 { latestExpiry.load(ordering: .acquiring) }

  /// The writer's, before the actions become visible.
  func raiseLatestExpiry(to milliseconds: Int64) {
    if milliseconds > latestExpiry.load(ordering: .relaxed) { latestExpiry.store(milliseconds, ordering: .releasing) }
  }

  /// False only when no entry of the partition can have an offset above `offset`.
  func mayHold(partition: Int32, after offset: Int64) -> Bool {
    guard case .sealed = index else { return true }
    guard let range = coverage[partition] else { return false }
    return range.upperBound - 1 > offset
  }

  func withList<R: Sendable>(of group: Group, _ body: (EntryList?) -> R) -> R {
    switch index {
    case .open(let index): index.withList(of: group.number, body)
    case .sealed(let index): index.withList(of: group, check: check, body)
    }
  }

  /// How a list names its group: an open index by number, an index file by name.
  enum GroupKey {
    case number(UInt32)
    case name(UnsafeRawBufferPointer, partition: Int32)
  }

  /// Whether something holds for every list; ends with the first for which it does not.
  func allLists(_ holds: (GroupKey, EntryList) -> Bool) -> Bool {
    switch index {
    case .open(let index): index.allLists { holds(.number($0), $1) }
    case .sealed(let index): index.allLists(check: check) { holds(.name($0, partition: $1), $2) }
    }
  }

  func forEachList(_ visit: (GroupKey, EntryList) -> Void) {
    switch index {
    case .open(let index): index.forEachList { visit(.number($0), $1) }
    case .sealed(let index): index.forEachList(check: check) { visit(.name($0, partition: $1), $2) }
    }
  }
}
