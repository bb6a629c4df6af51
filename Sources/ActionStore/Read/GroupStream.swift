/// One group's live actions in one lane, ascending by offset: entries are copied out of the indexes some at a time.
struct GroupStream {
  let group: Group
  let partition: Int32
  private let segments: [Segment]
  private var segmentIndex = 0
  private var chunk: [IndexEntry] = []
  private var chunkIndex = 0
  private let chunkMax: Int
  /// Offsets below this are visible.
  private let end: Int64
  private var after: Int64
  private let now: Int64
  /// The last entry looked at that is neither the head nor behind it.
  private(set) var lastPassed: IndexEntry?
  /// How many more entries may be looked at.
  private var budget: Int

  enum Head {
    case entry(IndexEntry)
    case end
    /// The budget is used up with entries left.
    case blocked
  }

  init(
    group: Group, segments: [Segment], after: Int64, end: Int64, now: Int64, chunkMax: Int, scanMax: Int
  ) {
    budget = scanMax
    self.group = group
    partition = group.partition
    self.segments = segments
    self.after = after
    self.end = end
    self.now = now
    self.chunkMax = chunkMax
  }

  /// Where the head lies.
  var segment: Segment { segments[segmentIndex] }

  /// The next entry that is neither expired nor invisible.
  mutating func head() -> Head {
    while true {
      while chunkIndex < chunk.count {
        guard budget > 0 else { return .blocked }
        let entry = chunk[chunkIndex]
        if entry.expiresMilliseconds > now { return .entry(entry) }
        removeHead()
      }
      guard refill() else { return .end }
    }
  }

  mutating func removeHead() {
    lastPassed = chunk[chunkIndex]
    chunkIndex += 1
    budget -= 1
  }

  /// Copies the next entries; false at the end of the last segment.
  private mutating func refill() -> Bool {
    while segmentIndex < segments.count {
      let segment = segments[segmentIndex]
      chunk.removeAll(keepingCapacity: true)
      chunkIndex = 0
      if segment.latestExpiryMilliseconds > now, segment.mayHold(partition: partition, after: after) {
        segment.withList(of: group) { list in
          guard let list else { return }
          let start = list.firstPossiblyLive(from: list.firstIndex(after: after), now: now)
          let found = UnsafeBufferPointer(rebasing: list.entries[start...].prefix(chunkMax))
          // What is not visible yet lies at the end.
          var count = found.count
          while count > 0, found[count - 1].offset >= end { count -= 1 }
          chunk.append(contentsOf: UnsafeBufferPointer(rebasing: found[..<count]))
        }
      }
      if let last = chunk.last {
        after = last.offset
        return true
      }
      segmentIndex += 1
    }
    return false
  }
}
