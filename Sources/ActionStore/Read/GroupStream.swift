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

  init(group: Group, segments: [Segment], after: Int64, end: Int64, now: Int64, chunkMax: Int) {
    self.group = group
    self.segments = segments
    self.after = after
    self.end = end
    self.now = now
    self.chunkMax = chunkMax
  }

  /// The next entry that is neither expired nor invisible, with its segment; nil at the end. `scanned` grows by the
  /// entries looked at; when it reaches `scanMax` the stream stops and must not be asked again.
  mutating func head(scanned: inout Int, scanMax: Int) -> (entry: IndexEntry, segment: Segment)? {
    while true {
      while chunkIndex < chunk.count {
        let entry = chunk[chunkIndex]
        if entry.expiresMilliseconds > now { return (entry, segments[segmentIndex]) }
        scanned += 1
        chunkIndex += 1
        if scanned >= scanMax { return nil }
      }
      guard refill() else { return nil }
    }
  }

  mutating func removeHead() {
    chunkIndex += 1
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
