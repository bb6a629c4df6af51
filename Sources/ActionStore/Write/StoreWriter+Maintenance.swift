import Logging

extension StoreWriter {
  /// What has to be done about once a second: make durable, checkpoint, seal and expire, in this order.
  ///
  /// Each step is tried even when an earlier one failed; the first error is thrown at the end.
  func maintain(now: Int64) throws(StoreError) {
    batch.now = now
    var first: StoreError?
    func attempt(_ step: () throws(StoreError) -> Void) {
      do throws(StoreError) { try step() } catch { if first == nil { first = error } }
    }
    retireFinishedWindows(now: now)
    attempt { () throws(StoreError) in try syncSegments() }
    let departures = departures(now: now)
    var isCheckpointed = false
    attempt { () throws(StoreError) in
      try checkpoint(departures)
      isCheckpointed = true
    }
    attempt { () throws(StoreError) in try sealRetired() }
    if isCheckpointed { attempt { () throws(StoreError) in try expire(departures) } }
    attempt { () throws(StoreError) in try unlinkDeparted() }
    sources.noteMissing(now: now)
    if let first { throw first }
  }

  private func retireFinishedWindows(now: Int64) {
    for lane in open.indices {
      guard let current = open[lane], !current.isTorn,
        now - current.createdMilliseconds >= Lane.windowMilliseconds(lane)
      else { continue }
      retire(lane: lane)
    }
  }

  /// After this every batch up to now is on disk in all its lanes.
  func syncSegments() throws(StoreError) {
    let reached = lastBatch
    for case let target? in open + retired where target.isDirty {
      try files.sync(target.file)
      target.isDirty = false
    }
    durableBatch = reached
  }

  /// Writes the counters and how far they reflect the log. Only batches on disk are named. The segments that are about
  /// to go are named too, with their actions counted as gone: whatever happens now, they are counted once.
  func checkpoint(_ departures: Departures) throws(StoreError) {
    guard durableBatch == lastBatch else { return }
    let frontiers = directory.takeMovedFrontiers()
    uncheckpointedFrontiers.merge(frontiers) { $1 }
    guard hasUncheckpointedChange || !departures.isEmpty || !uncheckpointedFrontiers.isEmpty else { return }
    var changed = changedGroups
    for number in departures.counters.keys { changed.insert(number) }
    for number in uncheckpointedFrontiers.keys { changed.insert(number) }
    let rows = changed.members.map { number in
      let group = groups[Int(number)]
      return Catalog.GroupRow(
        key: group.key, partition: group.partition,
        counters: departures.counters[number] ?? counters[Int(number)], frontier: uncheckpointedFrontiers[number],
        rejections: changedGroups.contains(number) ? rejections[number] : nil)
    }
    sources.endRereading(standings)
    let sourceChanges = sources.takeChanges()
    do {
      try catalog.write(
        .init(
          batch: lastBatch, standings: standings, groups: rows, rejected: rejected, duplicates: duplicates,
          dropped: dropped,
          holes: Array(holes.all[checkpointedHoles...]), segments: segmentFacts,
          departing: departing + departures.segments.sorted(),
          storeMilliseconds: batch.now, sources: sourceChanges))
    } catch {
      sources.giveBack(sourceChanges)
      throw StoreError(.inputOutput, "cannot write catalog.sqlite: \(error)")
    }
    checkpointedBatch = lastBatch
    checkpointedHoles = holes.all.count
    hasUncheckpointedChange = false
    changedGroups.removeAll()
    uncheckpointedFrontiers.removeAll(keepingCapacity: true)
  }

  private var segmentFacts: [Catalog.SegmentFact] {
    sealed.map { .init(number: $0.segment.number, firstBatch: $0.firstBatch, bytes: $0.segmentBytes) }
      + (retired + open.compactMap { $0 }).map {
        .init(number: $0.segment.number, firstBatch: $0.firstBatch, bytes: $0.length)
      }
  }

  /// Writes the index files of segments that are complete and lets the files replace the indexes in memory.
  func sealRetired() throws(StoreError) {
    while let target = retired.first, !target.isDirty {
      let sealedSegment = try seal(target)
      retired.removeFirst()
      sealed.append(sealedSegment)
      sealed.sort { $0.segment.number < $1.segment.number }
      publishSnapshot()
    }
  }

  private func seal(_ target: OpenSegment) throws(StoreError) -> SealedSegment {
    let lists = target.index.allLists().map { (group: groups[Int($0.key)], list: $0.value) }
    let index = try SealedIndex.write(
      target.summary, frames: target.frames, lists: lists, paths: paths, files: files)
    bytesOnDisk += Int64(index.byteCount)
    return SealedSegment(mapping: target.segment.mapping, index: index, check: nil)
  }

  /// The segments whose last action has expired or is over its queue's bound, and the counters as they are without
  /// them. One that waits for its index file goes without: on a full disk there is no room for the file, and it is
  /// expiry that makes room.
  private func departures(now: Int64) -> Departures {
    var departures = Departures()
    // Only batches on disk can be checkpointed, and only what is checkpointed goes.
    guard durableBatch == lastBatch else { return departures }
    for item in sealed where isOver(item.segment, now: now) {
      departures.segments.insert(item.segment.number)
      item.segment.forEachList { group, list in depart(list, of: group, &departures) }
    }
    for item in retired where isOver(item.segment, now: now) {
      departures.segments.insert(item.segment.number)
      item.segment.forEachList { group, list in depart(list, of: group, &departures) }
    }
    // What cannot be counted stays until it was read again.
    if health.isDamaged { return Departures() }
    return departures
  }

  private func depart(_ list: EntryList, of key: Segment.GroupKey, _ departures: inout Departures) {
    guard let last = list.entries.last else { return }
    let group: UInt32
    switch key {
    case .number(let number): group = number
    case .name(let bytes, let partition):
      guard let number = table.number(of: bytes, partition: partition) else { return }
      group = number
    }
    departures.actions += UInt64(list.entries.count)
    departures.counters[group, default: counters[Int(group)]].expiredUnlinked += UInt64(list.entries.count)
    departures.counters[group]?.unindexed.raise(to: .init(offset: last.offset, ordinal: last.ordinal))
  }

  /// Takes the segments that were named in the checkpoint away from the readers.
  func expire(_ departures: Departures) throws(StoreError) {
    guard !departures.segments.isEmpty else { return }
    // Where every partition stands must survive: the newest batch has to be in a segment that stays.
    let staying =
      sealed.filter { !departures.segments.contains($0.segment.number) }.map(\.lastBatch)
      + retired.filter { !departures.segments.contains($0.segment.number) }.map(\.lastBatch)
      + open.compactMap { $0?.lastBatch }
    // What is counted as gone goes, whether or not the new segment can be made: the catalog has the offsets as well.
    var failure: StoreError?
    if !staying.contains(where: { $0 >= lastBatch }) {
      do throws(StoreError) {
        let fresh = try begin(lane: 0, frameBytes: 0)
        try files.sync(fresh.file)
        fresh.isDirty = false
      } catch { failure = error }
    }
    for item in sealed where departures.segments.contains(item.segment.number) {
      bytesOnDisk -= Int64(item.bytesOnDisk)
    }
    for item in retired where departures.segments.contains(item.segment.number) { bytesOnDisk -= Int64(item.length) }
    sealed.removeAll { departures.segments.contains($0.segment.number) }
    retired.removeAll { departures.segments.contains($0.segment.number) }
    for (group, changed) in departures.counters {
      counters[Int(group)] = changed
      kept[group]?.forget(to: changed.floor)
    }
    expiredActions += departures.actions
    departing += departures.segments.sorted()
    publishSnapshot { directory in directory.update(departures.counters.map { ($0, $1) }) }
    if let failure { throw failure }
  }

  /// Unlinks the files of segments that are gone for the readers; those that cannot be unlinked now are tried again.
  private func unlinkDeparted() throws(StoreError) {
    guard !departing.isEmpty else { return }
    try files.syncDirectory(paths.directory)
    while let number = departing.first {
      try files.unlink(paths.segment(number))
      try files.unlink(paths.index(number))
      departing.removeFirst()
    }
  }

  /// Makes everything durable and lets go of the files; the store is not used afterwards. Segments get their index
  /// files, so that the next start need not read them.
  func close(now: Int64) throws(StoreError) {
    defer { catalog.close() }
    for lane in open.indices where open[lane]?.isTorn == false { retire(lane: lane) }
    try maintain(now: now)
  }
}

/// Segments that are about to go, and the counters as they are without them.
struct Departures {
  var segments: Set<UInt64> = []
  var counters: [UInt32: QueueDirectory.Counters] = [:]
  var actions: UInt64 = 0

  var isEmpty: Bool { segments.isEmpty }
}
