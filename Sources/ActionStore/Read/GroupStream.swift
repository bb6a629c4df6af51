/// One group's live actions in one lane, ascending by offset: entries are copied out of the indexes some at a time.
struct GroupStream {
  let group: Group
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
    case entry(IndexEntry, Segment)
    case end
    /// The budget is used up with entries left.
    case blocked
  }

  init(
    group: Group, segments: [Segment], after: Int64, end: Int64, now: Int64, chunkMax: Int, scanMax: Int
  ) {
    budget = scanMax
    self.group = group
    self.segments = segments
    self.after = after
    self.end = end
    self.now = now
    self.chunkMax = chunkMax
  }

  /// The next entry that is neither expired nor invisible, with its segment.
  mutating func head() -> Head {
    while true {
      while chunkIndex < chunk.count {
        guard budget > 0 else { return .blocked }
        let entry = chunk[chunkIndex]
        if entry.expiresMilliseconds > now { return .entry(entry, segments[segmentIndex]) }
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
      if segment.latestExpiryMilliseconds > now, segment.mayHold(partition: group.partition, after: after) {
        segment.withList(of: group) { list in
          guard let list else { return }
          let start = list.firstPossiblyLive(from: list.firstIndex(after: after), now: now)
          for entry in list.entries[start...].prefix(chunkMax) {
            guard entry.offset < end else { break }
            chunk.append(entry)
          }
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
