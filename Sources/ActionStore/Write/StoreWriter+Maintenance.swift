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
    attempt { () throws(StoreError) in try checkpoint() }
    attempt { () throws(StoreError) in try sealRetired() }
    attempt { () throws(StoreError) in try expire(now: now) }
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

  /// Writes the counters and how far they reflect the log. Only batches on disk are named.
  func checkpoint() throws(StoreError) {
    guard hasUncheckpointedChange, durableBatch == lastBatch else { return }
    let rows = changedGroups.map { number in
      let group = groups[Int(number)]
      return Catalog.GroupRow(key: group.key, partition: group.partition, counters: counters[Int(number)])
    }
    do {
      try catalog.write(
        .init(
          batch: lastBatch, nextOffsets: nextOffsets, groups: rows, rejected: rejected, duplicates: duplicates))
    } catch {
      throw StoreError(.inputOutput, "cannot write catalog.sqlite: \(error)")
    }
    checkpointedBatch = lastBatch
    hasUncheckpointedChange = false
    changedGroups.removeAll(keepingCapacity: true)
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
    let number = target.segment.number
    let lists = target.index.allLists().map { (group: groups[Int($0.key)], list: $0.value) }
    let index = try SealedIndex.write(
      segment: number, segmentBytes: target.length, lists: lists, paths: paths, files: files)
    bytesOnDisk += Int64(index.byteCount)
    let segment = Segment(
      number: number, lane: target.segment.lane, mapping: target.segment.mapping, index: .sealed(index),
      coverage: target.coverage, latestExpiry: target.segment.latestExpiryMilliseconds)
    return SealedSegment(
      segment: segment, lastBatch: target.lastBatch, bytesOnDisk: target.length + index.byteCount)
  }

  /// Unlinks every segment whose last action has expired. One that waits for its index file goes without: on a full
  /// disk there is no room for the file, and it is expiry that makes room.
  func expire(now: Int64) throws(StoreError) {
    let gone = sealed.filter { $0.segment.latestExpiryMilliseconds <= now && $0.lastBatch <= checkpointedBatch }
    let goneUnsealed = retired.filter {
      $0.segment.latestExpiryMilliseconds <= now && $0.lastBatch <= checkpointedBatch
    }
    guard !gone.isEmpty || !goneUnsealed.isEmpty else { return }
    let numbers = Set(gone.map(\.segment.number) + goneUnsealed.map(\.segment.number))
    // Where every partition stands must survive: the newest batch has to be in a segment that stays.
    let staying =
      sealed.filter { !numbers.contains($0.segment.number) }.map(\.lastBatch)
      + retired.filter { !numbers.contains($0.segment.number) }.map(\.lastBatch) + open.compactMap { $0?.lastBatch }
    if !staying.contains(where: { $0 >= lastBatch }) {
      let fresh = try begin(lane: 0, frameBytes: 0)
      try files.sync(fresh.file)
      fresh.isDirty = false
    }
    try files.syncDirectory(paths.directory)
    for item in gone {
      try unlink(item.segment.number, bytes: item.bytesOnDisk)
      if case .sealed(let index) = item.segment.index { expiredActions += UInt64(index.entryCount) }
      sealed.removeAll { $0.segment.number == item.segment.number }
    }
    for item in goneUnsealed {
      try unlink(item.segment.number, bytes: item.length)
      expiredActions += item.index.allLists().values.reduce(0) { $0 + UInt64($1.entries.count) }
      retired.removeAll { $0 === item }
    }
    publishSnapshot()
  }

  private func unlink(_ number: UInt64, bytes: Int) throws(StoreError) {
    try files.unlink(paths.segment(number))
    try files.unlink(paths.index(number))
    bytesOnDisk -= Int64(bytes)
  }

  /// Makes everything durable and lets go of the files; the store is not used afterwards.
  func close(now: Int64) throws(StoreError) {
    defer { catalog.close() }
    try maintain(now: now)
  }
}

extension SealedIndex {
  /// Writes an index file, durable, and maps it.
  static func write(
    segment: UInt64, segmentBytes: Int, lists: [(group: Group, list: OpenIndex.List)], paths: SegmentPaths,
    files: FileSystem
  ) throws(StoreError) -> SealedIndex {
    let bytes = IndexFile.encode(segment: segment, segmentBytes: segmentBytes, lists: lists)
    try files.replace(paths.index(segment), with: bytes)
    guard let index = try open(segment: segment, segmentBytes: segmentBytes, paths: paths, files: files) else {
      throw StoreError(.damaged, "the index of segment \(segment) does not read back as written")
    }
    return index
  }

  /// Nil when there is no such file or it is damaged.
  static func open(
    segment: UInt64, segmentBytes: Int, paths: SegmentPaths, files: FileSystem
  ) throws(StoreError) -> SealedIndex? {
    let file: FileDescriptor
    do throws(StoreError) { file = try files.open(paths.index(segment), flags: 0) } catch {
      if error.isMissingFile { return nil }
      throw error
    }
    let length = try files.length(of: file)
    guard length >= IndexFile.headerBytes else { return nil }
    let mapping = try files.map(file, capacity: length)
    return SealedIndex(mapping: mapping, byteCount: length, segment: segment, segmentBytes: segmentBytes)
  }
}
