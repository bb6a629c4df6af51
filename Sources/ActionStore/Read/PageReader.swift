import AuditActions

/// A page: the oldest live actions of a queue after a marker, and what can no longer be read on the way to them.
package struct Page: Sendable {
  package var actions: PageActions
  /// Ascending by partition. Empty when the reader has missed nothing.
  package var gaps: [Gap]
  /// The position behind the last record looked at; given back, it continues there.
  package var marker: Marker
  /// False when the page ended before the end of the queue: at its limit of actions or of work, or before a gap.
  package var isExhausted: Bool
}

/// Reads pages from one snapshot, whatever lies in the way; most have nothing in it and are a ``PlainPage``.
///
/// Per partition actions come in the order of their offsets, whatever lanes their TTLs put them in; partitions are
/// merged by time. Nothing can be missed at the edge of a page, because the marker holds an offset for each partition
/// and moves only past what was looked at; and what is missing is told, because every record has an ordinal.
struct PageReader {
  let snapshot: StoreSnapshot
  /// Ascending by partition.
  let facts: [QueueDirectory.Facts]
  let key: QueueKey
  let now: Int64
  let scanMax: Int
  var identity: StoreIdentity { snapshot.identity }

  /// - Parameter stopsAtGaps: the page ends before the first gap; without an action it is that gap, and its marker lies
  ///   right behind it.
  func page(after start: Marker?, limit: Int, events: [String], stopsAtGaps: Bool) -> Page {
    var walk = Walk(reader: self, start: start, chunkMax: events.isEmpty ? limit : 512)
    let filter = EventFilter(events)
    var actions = PageActions()
    actions.reserve(limit)
    while actions.count < limit {
      guard let next = walk.next() else { break }
      if stopsAtGaps, walk.isGap(before: next) {
        if actions.isEmpty { walk.skipToGapEnd(before: next) }
        return walk.end(actions, isExhausted: false, self)
      }
      let action = walk.pass(next)
      if filter.accepts(next.entry, action) { actions.append(action.entry, in: action.segment) }
    }
    guard walk.isAtEnd else {
      walk.skipScanned()
      return walk.end(actions, isExhausted: false, self)
    }
    // With actions on the page, a reader who wants to stop at gaps is told with the next one.
    if !stopsAtGaps || actions.isEmpty { walk.passEverything() }
    return walk.end(actions, isExhausted: true, self)
  }

  /// Where a marker stands in the counts of this store.
  fileprivate func place(of marker: Marker?, in facts: QueueDirectory.Facts) -> PartitionReading.Place {
    guard let marker, let entry = marker.entry(of: facts.group.partition) else { return .init(offset: -1, ordinal: 0) }
    if marker.identity == identity, entry.ordinal != Marker.Entry.uncounted {
      return .init(offset: entry.offset, ordinal: entry.ordinal)
    }
    return .init(offset: entry.offset, ordinal: ordinal(at: entry.offset, facts))
  }

  /// The count of the queue's records up to an offset that another store's marker names; nil when records behind it are
  /// gone and nobody counted them.
  private func ordinal(at offset: Int64, _ facts: QueueDirectory.Facts) -> UInt64? {
    let counters = facts.counters
    if offset >= counters.lastOffset { return counters.received }
    if offset == counters.unindexed.offset { return counters.unindexed.ordinal }
    var next: IndexEntry?
    for segment in snapshot.lanes.joined() where segment.mayHold(partition: facts.group.partition, after: offset - 1) {
      let entry = segment.withList(of: facts.group) { list -> IndexEntry? in
        guard let list else { return nil }
        let index = list.firstIndex(after: offset - 1)
        return index < list.entries.count ? list.entries[index] : nil
      }
      if let entry, next.map({ entry.offset < $0.offset }) ?? true { next = entry }
    }
    if let next, next.offset == offset { return next.ordinal }
    guard offset > counters.unindexed.offset else { return nil }
    // Every record behind it is in an index, so the one before the first of them is its.
    return next.map { $0.ordinal - 1 } ?? counters.received
  }

  /// The holes before a reader of this queue's partition. One who has never been in the partition is told of those only
  /// in which something could still be alive.
  fileprivate func holes(of partition: Int32, behind offset: Int64, isKnownTo marker: Marker?) -> ArraySlice<Hole> {
    guard !snapshot.holes.isEmpty else { return [] }
    let isKnown = marker?.entry(of: partition) != nil
    return snapshot.holes.of(
      partition, behind: offset, after: isKnown ? nil : Self.oldestHoleMilliseconds(now: now))
  }

  /// What was lost in holes noticed before has expired by now.
  static func oldestHoleMilliseconds(now: Int64) -> Int64 { now - Int64(ActionLimits.timeToLiveSecondsMax) * 1_000 }

  /// Partitions with holes before the reader, in which no record of this queue was ever seen: what was lost there may
  /// have been its. Which partition a queue's records come to depends on their producers' partitioner and on how many
  /// partitions there were then, so none is ruled out.
  fileprivate func unseenPartitions(after marker: Marker?) -> [PartitionReading] {
    guard !snapshot.holes.isEmpty else { return [] }
    return snapshot.holes.partitions.compactMap { partition in
      let offset = marker?.offset(of: partition) ?? -1
      let holes = holes(of: partition, behind: offset, isKnownTo: marker)
      guard !holes.isEmpty, !facts.contains(where: { $0.group.partition == partition }) else { return nil }
      let facts = QueueDirectory.Facts(
        group: Group(number: .max, partition: partition, key: key), counters: .init(), rejections: Rejections(),
        frontier: Self.unseen)
      return PartitionReading(facts: facts, holes: holes, start: .init(offset: offset, ordinal: 0))
    }
  }

  /// Nobody comes further in a partition without records.
  private static let unseen = ReadFrontier(.init())
}

/// One page's way through the partitions of a queue.
private struct Walk {
  struct Next {
    var stream: Int
    var reading: Int
    var partition: Int32
    var entry: IndexEntry
  }

  private let start: Marker?
  private var readings: [PartitionReading] = []
  private var streams: [(stream: GroupStream, reading: Int)] = []
  /// Nothing is left in any partition.
  private(set) var isAtEnd = false
  /// The partition whose budget of work is used up.
  private var blocked: Int?

  init(reader: PageReader, start: Marker?, chunkMax: Int) {
    self.start = start
    let snapshot = reader.snapshot
    for facts in reader.facts {
      guard let end = snapshot.nextOffsets[facts.group.partition] else { continue }
      let place = reader.place(of: start, in: facts)
      readings.append(
        PartitionReading(
          facts: facts,
          holes: reader.holes(of: facts.group.partition, behind: place.offset, isKnownTo: start), start: place))
      guard place.offset < end else { continue }
      for lane in snapshot.lanes where !lane.isEmpty {
        let stream = GroupStream(
          group: facts.group, segments: lane, after: max(place.offset, facts.counters.floor.offset), end: end,
          now: reader.now, chunkMax: chunkMax, scanMax: reader.scanMax)
        streams.append((stream, readings.count - 1))
      }
    }
    readings += reader.unseenPartitions(after: start)
  }

  /// The entry that comes next: of the lanes of one partition the lowest offset, of those the earliest. Nil at the end,
  /// or when the budget of work is used up.
  mutating func next() -> Next? {
    var best: Next?
    var index = 0
    while index < streams.count {
      // Streams of one partition stand together: its lanes.
      let reading = streams[index].reading
      var lowest: Next?
      // What lies behind this is not known.
      var horizon = Int64.max
      while index < streams.count, streams[index].reading == reading {
        switch streams[index].stream.head() {
        case .entry(let entry):
          if lowest.map({ entry.offset < $0.entry.offset }) ?? true {
            let partition = streams[index].stream.partition
            lowest = Next(stream: index, reading: reading, partition: partition, entry: entry)
          }
        case .blocked: horizon = min(horizon, streams[index].stream.lastPassed?.offset ?? -1)
        case .end: break
        }
        index += 1
      }
      guard lowest?.entry.offset ?? .max <= horizon else {
        blocked = reading
        return nil
      }
      if let lowest, best.map({ lowest.entry.createdMilliseconds < $0.entry.createdMilliseconds }) ?? true {
        best = lowest
      }
    }
    isAtEnd = best == nil
    return best
  }

  func isGap(before next: Next) -> Bool {
    readings[next.reading].isGap(before: next.entry.offset, ordinal: next.entry.ordinal)
  }

  mutating func pass(_ next: Next) -> StoredAction {
    let segment = streams[next.stream].stream.segment
    streams[next.stream].stream.removeHead()
    readings[next.reading].pass(offset: next.entry.offset, ordinal: next.entry.ordinal)
    return StoredAction(next.entry, partition: next.partition, segment: segment)
  }

  mutating func skipToGapEnd(before next: Next) {
    readings[next.reading].skip(to: next.entry.offset - 1, ordinal: next.entry.ordinal - 1)
  }

  /// Where the budget of work ran out: goes past what was looked at in all lanes, so that the next page goes on there.
  mutating func skipScanned() {
    guard let blocked else { return }
    var reached: (offset: Int64, ordinal: UInt64)?
    for index in streams.indices where streams[index].reading == blocked {
      let passed: (offset: Int64, ordinal: UInt64)
      switch streams[index].stream.head() {
      case .entry(let entry): passed = (entry.offset - 1, entry.ordinal - 1)
      case .blocked: passed = streams[index].stream.lastPassed.map { ($0.offset, $0.ordinal) } ?? (-1, 0)
      case .end: continue
      }
      if reached.map({ passed.offset < $0.offset }) ?? true { reached = passed }
    }
    guard let reached, reached.offset > readings[blocked].place.offset else { return }
    readings[blocked].skip(to: reached.offset, ordinal: reached.ordinal)
  }

  mutating func passEverything() {
    for index in readings.indices { readings[index].passEverything() }
  }

  /// The page, and the readers' frontier moved to where it ends.
  func end(_ actions: PageActions, isExhausted: Bool, _ reader: PageReader) -> Page {
    // Something that was read on the way is not what was written: nothing is said, and nobody has come further.
    if reader.snapshot.health.isDamaged {
      return Page(
        actions: PageActions(), gaps: [], marker: start ?? Marker(entries: [], identity: reader.identity),
        isExhausted: false)
    }
    var marker = (start ?? Marker(entries: [], identity: reader.identity)).counted(by: reader.identity)
    for reading in readings {
      let ordinal = reading.place.ordinal ?? Marker.Entry.uncounted
      let partition = reading.facts.group.partition
      let isCounted = marker.entry(of: partition).map { $0.ordinal != Marker.Entry.uncounted } ?? false
      if reading.hasMoved { marker.set(partition: partition, offset: reading.place.offset, ordinal: ordinal) }
      // Where a marker that this store made stands, its reader has come, whatever a crash made of the frontier.
      if let ordinal = reading.place.ordinal, reading.hasMoved || isCounted {
        let isFirst = reading.facts.frontier.raise(to: ordinal) { reading.expired(above: $0) }
        if isFirst { reader.snapshot.directory.noteMoved(reading.facts.group.number) }
      }
    }
    return Page(actions: actions, gaps: readings.flatMap(\.gaps), marker: marker, isExhausted: isExhausted)
  }
}

/// Which events a page is to hold; all when none is named.
struct EventFilter {
  private let names: [(hash: UInt32, name: String)]

  init(_ events: [String]) { names = events.map { (eventHash($0), $0) } }

  /// The hash in the index rules nearly everything out; only what remains has its body looked at.
  func accepts(_ entry: IndexEntry, _ action: StoredAction) -> Bool {
    guard !names.isEmpty else { return true }
    guard names.contains(where: { $0.hash == entry.eventHash }) else { return false }
    return action.withBody { bytes in
      guard let body = try? ActionBody.validate(bytes) else { return false }
      let event = body.eventText(in: bytes)
      return names.contains { $0.name == event }
    }
  }
}
