import AuditActions

/// A page: the oldest live actions of a queue after a marker.
package struct Page: Sendable {
  package var actions: [StoredAction]
  /// The position behind the last action looked at; given back, it continues there.
  package var marker: Marker
  /// False when the search stopped at its limit of work with actions left to look at: a page without actions is then
  /// not the end of the queue.
  package var isExhausted: Bool
}

/// Reads pages from one snapshot.
///
/// Per partition actions come in the order of their offsets, whatever lanes their TTLs put them in; partitions are
/// merged by time. Nothing can be missed at the edge of a page, because the marker holds an offset for each partition
/// and moves only past what was looked at.
struct PageReader {
  let snapshot: StoreSnapshot
  let groups: [Group]
  let identity: StoreIdentity
  let now: Int64
  let scanMax: Int

  func page(after start: Marker?, limit: Int, events: [String]) -> Page {
    var marker = start ?? Marker(entries: [], identity: identity)
    let filter = EventFilter(events)
    var streams = makeStreams(after: marker, chunkMax: events.isEmpty ? limit : 512)
    var page = Page(actions: [], marker: marker, isExhausted: true)
    page.actions.reserveCapacity(limit)
    var scanned = 0
    while page.actions.count < limit {
      guard scanned < scanMax else {
        page.isExhausted = false
        break
      }
      guard let (index, entry, segment) = nextEntry(&streams, scanned: &scanned) else {
        page.isExhausted = scanned < scanMax
        break
      }
      let partition = streams[index].group.partition
      streams[index].removeHead()
      scanned += 1
      marker.advance(partition: partition, to: entry.offset, ordinal: entry.ordinal)
      let action = StoredAction(entry, partition: partition, segment: segment)
      if filter.accepts(entry, action) { page.actions.append(action) }
    }
    if marker.identity != identity, !page.actions.isEmpty {
      // Ordinals of another store are not carried on: they would be compared with ours.
      marker = Marker(entries: marker.entries, identity: identity)
    }
    page.marker = marker
    return page
  }

  private func makeStreams(after marker: Marker, chunkMax: Int) -> [GroupStream] {
    var streams: [GroupStream] = []
    for group in groups {
      guard let end = snapshot.nextOffsets[group.partition] else { continue }
      let after = marker.offset(of: group.partition)
      guard after < end else { continue }
      for lane in snapshot.lanes where !lane.isEmpty {
        streams.append(
          GroupStream(group: group, segments: lane, after: after, end: end, now: now, chunkMax: chunkMax))
      }
    }
    return streams
  }

  /// The stream whose head comes next: of the lanes of one partition the lowest offset, of those the earliest.
  private func nextEntry(
    _ streams: inout [GroupStream], scanned: inout Int
  ) -> (index: Int, entry: IndexEntry, segment: Segment)? {
    var best: (index: Int, entry: IndexEntry, segment: Segment)?
    var index = 0
    while index < streams.count {
      // Streams of one partition stand together: its lanes.
      let partition = streams[index].group.partition
      var lowest: (index: Int, entry: IndexEntry, segment: Segment)?
      while index < streams.count, streams[index].group.partition == partition {
        if let head = streams[index].head(scanned: &scanned, scanMax: scanMax) {
          if lowest.map({ head.entry.offset < $0.entry.offset }) ?? true { lowest = (index, head.entry, head.segment) }
        } else if scanned >= scanMax {
          return nil
        }
        index += 1
      }
      if let lowest, best.map({ lowest.entry.createdMilliseconds < $0.entry.createdMilliseconds }) ?? true {
        best = lowest
      }
    }
    return best
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
