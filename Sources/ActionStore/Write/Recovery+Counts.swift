/// The counts of a store of which something was lost.
extension Recovery {
  /// After damage, when the catalog counted what is not there any more: brings each queue's counts back to the last
  /// record that stays. What follows comes again, and is counted then; it is not said to have expired.
  ///
  /// Exact, unless records behind the cut had gone from the indexes before: how many of those before it had is not
  /// known then, and they are not counted.
  func goBack(_ kept: [Found], _ store: inout RecoveredStore, _ table: GroupTable) {
    var highest: [UInt32: UInt64] = [:]
    for item in kept {
      for frame in item.scan.frames {
        _ = FrameRecord.forEach(in: item.bytes, frameAt: frame.position, header: frame.header) { record, key, _, _ in
          let partition = frame.header.coverage[record.coverageIndex].partition
          guard key.count > 0, record.kind.isOfQueue, let group = table.number(of: key, partition: partition) else {
            return
          }
          highest[group] = max(highest[group] ?? 0, record.ordinal)
        }
      }
    }
    for index in store.counters.indices {
      let group = store.groups[index]
      let next = store.standings[group.partition]?.next ?? 0
      var counters = store.counters[index]
      var reached = highest[UInt32(index)] ?? 0
      if counters.unindexed.offset < next { reached = max(reached, counters.unindexed.ordinal) }
      counters.received = min(counters.received, reached)
      counters.lastOffset = min(counters.lastOffset, next - 1)
      if counters.unindexed.offset >= next { counters.unindexed = .init(offset: next - 1, ordinal: reached) }
      if counters.floor.offset >= next { counters.floor = .init(offset: next - 1, ordinal: reached) }
      if var rejections = store.rejections[UInt32(index)] {
        rejections.remove(above: reached)
        counters.rejected = rejections.count
        store.rejections[UInt32(index)] = rejections
      }
      store.counters[index] = counters
      store.changedGroups.insert(UInt32(index))
    }
  }

  /// Without a catalog, or after damage, what went before is not known by its parts: what is neither in an index nor
  /// known to have expired on arrival or to have been rejected has expired.
  func recount(_ store: inout RecoveredStore, _ table: GroupTable) {
    var indexed: [UInt32: (all: UInt64, expired: UInt64)] = [:]
    for segment in store.segments.map(\.segment) + store.retired.map(\.segment) {
      segment.forEachList { key, list in
        let group: UInt32? =
          switch key {
          case .number(let number): number
          case .name(let bytes, let partition): table.number(of: bytes, partition: partition)
          }
        guard let group else { return }
        indexed[group, default: (0, 0)].all += UInt64(list.entries.count)
        indexed[group, default: (0, 0)].expired += UInt64(list.entries.count - list.live(at: now).count)
      }
    }
    for index in store.counters.indices {
      let counters = store.counters[index]
      let indexed = indexed[UInt32(index), default: (0, 0)]
      let known = indexed.all + counters.expiredOnArrival + counters.rejected
      let received = max(counters.received, known)
      store.counters[index].received = received
      store.counters[index].expiredUnlinked = received - known
      let expired = counters.expiredOnArrival + (received - known) + indexed.expired
      directory.frontier(of: UInt32(index)).lower(reached: received, expired: expired)
      store.changedGroups.insert(UInt32(index))
    }
  }
}
