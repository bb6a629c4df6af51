/// The page nearly every reader asks for: of a queue in one partition, with nothing on the way that has expired, was
/// rejected, is over what the queue keeps or is lost, and no filter.
///
/// Every record of the queue in the partition has an ordinal. So when the next entry found has the next ordinal there
/// is nothing between the two, in no lane, and nothing to be told; and when the last one has the highest there is
/// nothing behind it. As soon as it is otherwise there is no plain page, and ``PageReader`` looks at everything. It must
/// never give another page than that one does: the tests ask both.
struct PlainPage {
  private let facts: QueueDirectory.Facts
  private let now: Int64
  /// Offsets below this are visible.
  private let end: Int64
  private let limit: Int
  private var actions = PageActions()
  private var last: Marker.Entry

  /// Nil when there is no plain page.
  static func read(
    _ facts: QueueDirectory.Facts, _ snapshot: StoreSnapshot, after start: Marker?, limit: Int, now: Int64
  ) -> Page? {
    let identity = snapshot.identity
    let partition = facts.group.partition
    guard let end = snapshot.nextOffsets[partition] else { return nil }
    var place = Marker.Entry(partition: partition, offset: -1, ordinal: 0)
    if let start {
      guard start.identity == identity, start.entries.count <= 1 else { return nil }
      if let entry = start.entries.first {
        guard entry.partition == partition, entry.ordinal != Marker.Entry.uncounted else { return nil }
        place = entry
      }
    }
    guard place.ordinal >= facts.counters.floor.ordinal else { return nil }
    var page = PlainPage(facts: facts, now: now, end: end, limit: limit, last: place)
    guard page.fill(from: snapshot), !snapshot.health.isDamaged else { return nil }
    let counters = facts.counters
    let isExhausted = page.actions.count < limit
    guard !isExhausted || counters.received == page.last.ordinal && counters.lastOffset <= page.last.offset,
      !page.passes(snapshot.holes, from: place, isKnown: start?.entries.isEmpty == false, isExhausted: isExhausted)
    else { return nil }
    let hasMoved = !page.actions.isEmpty
    if hasMoved || start?.entries.isEmpty == false, facts.frontier.raise(to: page.last.ordinal, expired: { _ in 0 }) {
      snapshot.directory.noteMoved(facts.group.number)
    }
    let unmoved = start ?? Marker(entries: [], identity: identity)
    return Page(
      actions: page.actions, gaps: [], marker: hasMoved ? Marker(sole: page.last, identity: identity) : unmoved,
      isExhausted: isExhausted)
  }

  /// Whether there may be a hole that the reader is to be told of: in this partition before the last action, and at the
  /// end of the queue in any.
  private func passes(_ holes: Holes, from place: Marker.Entry, isKnown: Bool, isExhausted: Bool) -> Bool {
    guard !holes.isEmpty else { return false }
    let oldest = PageReader.oldestHoleMilliseconds(now: now)
    if let next = holes.of(place.partition, behind: place.offset, after: isKnown ? nil : oldest).first,
      isExhausted || next.from < last.offset
    {
      return true
    }
    guard isExhausted else { return false }
    return holes.partitions.contains {
      $0 != place.partition && !holes.of($0, behind: -1, after: oldest).isEmpty
    }
  }

  private init(facts: QueueDirectory.Facts, now: Int64, end: Int64, limit: Int, last: Marker.Entry) {
    self.facts = facts
    self.now = now
    self.end = end
    self.limit = limit
    self.last = last
    actions.reserve(limit)
  }

  /// Takes what it finds, lane by lane. False when something is in the way.
  private mutating func fill(from snapshot: StoreSnapshot) -> Bool {
    for lane in snapshot.lanes {
      for segment in lane
      where segment.latestExpiryMilliseconds > now && segment.mayHold(partition: last.partition, after: last.offset) {
        let isInOrder = segment.withList(of: facts.group) { list in list.map { take($0, segment) } ?? true }
        guard isInOrder else { return false }
        if actions.count == limit { return true }
      }
    }
    return true
  }

  private mutating func take(_ list: EntryList, _ segment: Segment) -> Bool {
    let entries = list.entries
    var index = list.firstIndex(after: last.offset)
    while index < entries.count, actions.count < limit {
      let entry = entries[index]
      guard entry.offset < end else { return true }
      guard entry.ordinal == last.ordinal &+ 1, entry.expiresMilliseconds > now else { return false }
      segment.check?.check(body: Int(entry.position), count: Int(entry.bodyBytes))
      actions.append(
        ActionEntry(entry, partition: last.partition, segmentAddress: segment.mapping.address), in: segment)
      last.offset = entry.offset
      last.ordinal = entry.ordinal
      index &+= 1
    }
    return true
  }
}
