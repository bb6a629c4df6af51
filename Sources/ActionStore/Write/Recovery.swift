import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Brings a data directory back to the last batch that is whole in all its lanes.
///
/// Everything is read and every checksum verified. What was written after that batch is cut off and comes again from
/// Kafka, because the offsets follow the cut.
struct Recovery {
  let files: FileSystem
  let paths: SegmentPaths
  let directory: QueueDirectory
  let logger: Logger
  /// Milliseconds since 1970: part of the name of what is set aside.
  let now: Int64

  private struct Found {
    var scan: SegmentScan
    var mapping: FileMapping?
    var bytes: UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: mapping?.address, count: mapping == nil ? 0 : scan.fileBytes)
    }
  }

  /// - Parameter catalog: what the catalog held; nil when it is new.
  func recover(catalog: Catalog.Contents?) throws(StoreError) -> RecoveredStore {
    var store = RecoveredStore(identity: catalog?.identity ?? .random())
    var table = GroupTable()
    if let catalog { begin(with: catalog, &store, &table) }
    // Their actions are counted as gone: they must not be counted again as expired.
    for number in catalog?.departing ?? [] {
      try files.unlink(paths.segment(number))
      try files.unlink(paths.index(number))
    }
    var found = try scanAll(durableBatch: store.checkpointedBatch)
    let missing = compare(&found, with: catalog)
    let durable = found.reduce(store.checkpointedBatch) { max($0, $1.scan.header?.durableBatch ?? 0) }
    let cut = max(1, min(firstUnusableBatch(found, durable: durable), missing ?? .max))
    let isDamaged = cut <= durable
    if isDamaged {
      // Counts of before and after are not comparable.
      store.identity = .random()
      try setAside(found, cut: cut)
      store.sources.beginRereading(below: catalog?.standings ?? [:])
    } else {
      store.standings = catalog?.standings ?? [:]
    }
    var kept: [Found] = []
    for item in found {
      if let item = try keep(item, cut: cut) { kept.append(item) }
    }
    store.nextSegment = max(found.map(\.scan.number).max() ?? 0, catalog?.departing.max() ?? 0) + 1
    store.lastBatch = max(cut - 1, store.checkpointedBatch)
    for item in kept { fold(item, into: &store, table: &table) }
    for item in kept { store.segments.append(try sealed(item, store: store, table: table)) }
    if isDamaged || !(catalog?.isCounted ?? false) { recount(&store, table) }
    directory.update(
      store.counters.indices.map { (UInt32($0), store.counters[$0]) }, rejections: store.rejections)
    return store
  }

  private func begin(with catalog: Catalog.Contents, _ store: inout RecoveredStore, _ table: inout GroupTable) {
    store.checkpointedBatch = catalog.batch
    store.rejected = catalog.rejected
    store.duplicates = catalog.duplicates
    store.holes = catalog.holes
    store.sources = catalog.sources
    store.checkpointedHoles = catalog.holes.count
    store.latestMilliseconds = catalog.storeMilliseconds
    for row in catalog.groups {
      let group = directory.register(
        key: row.key, partition: row.partition, counters: row.counters, frontier: row.frontier ?? .init(),
        rejections: row.rejections)
      row.key.bytes.withUnsafeBytes { table.insert($0, partition: row.partition, number: group.number) }
      store.groups.append(group)
      store.counters.append(row.counters)
      if let rejections = row.rejections { store.rejections[group.number] = rejections }
    }
  }

  /// Without a catalog, or with one that counted what was cut off, what went before is not known by its parts: what is
  /// neither in an index nor known to have expired on arrival or to have been rejected has expired.
  private func recount(_ store: inout RecoveredStore, _ table: GroupTable) {
    var indexed: [UInt32: UInt64] = [:]
    for item in store.segments {
      item.segment.forEachList { key, list in
        let group: UInt32? =
          switch key {
          case .number(let number): number
          case .name(let bytes, let partition): table.number(of: bytes, partition: partition)
          }
        if let group { indexed[group, default: 0] += UInt64(list.entries.count) }
      }
    }
    for index in store.counters.indices {
      let counters = store.counters[index]
      let known = indexed[UInt32(index), default: 0] + counters.expiredOnArrival + counters.rejected
      store.counters[index].received = max(counters.received, known)
      store.counters[index].expiredUnlinked = store.counters[index].received - known
      store.changedGroups.insert(UInt32(index))
    }
  }

  /// Keeps damaged files for whoever wants to look at them, under a name that says so. What of them is whole stays in
  /// use as a copy; the rest comes again from the topic.
  private func setAside(_ found: [Found], cut: UInt64) throws(StoreError) {
    let damaged = found.filter { $0.scan.tail == .damaged }
    let folder = "\(paths.directory).damaged-\(now / 1_000)"
    logger.error(
      "The store is damaged: what is damaged is set aside, and read again from the topic",
      metadata: ["batch": "\(cut)", "segments": "\(damaged.count)", "folder": "\(damaged.isEmpty ? "" : folder)"])
    guard !damaged.isEmpty else { return }
    try files.makeDirectory(folder)
    for item in damaged {
      let name = SegmentPaths.name(item.scan.number) + ".segment"
      try files.rename(paths.segment(item.scan.number), to: "\(folder)/\(name)")
      try files.replace(paths.segment(item.scan.number), with: Array(item.bytes))
    }
  }

  /// Holds the files against what the last checkpoint says was there: one that is shorter is damaged. Returns the first
  /// batch of those that are missing, nil when none is.
  private func compare(_ found: inout [Found], with catalog: Catalog.Contents?) -> UInt64? {
    guard let catalog else { return nil }
    let places = Dictionary(uniqueKeysWithValues: found.indices.map { (found[$0].scan.number, $0) })
    let departed = Set(catalog.departing)
    var missing: UInt64?
    for segment in catalog.segments where !departed.contains(segment.number) {
      if let place = places[segment.number] {
        // Not the file's length: what follows the last whole frame may be garbage that looks like a torn write.
        if found[place].scan.wholeBytes < segment.bytes { found[place].scan.tail = .damaged }
      } else {
        missing = min(missing ?? .max, segment.firstBatch)
      }
    }
    return missing
  }

  private func scanAll(durableBatch: UInt64) throws(StoreError) -> [Found] {
    let names = try files.names(in: paths.directory)
    let numbers = names.compactMap { SegmentPaths.number(ofSegmentNamed: $0) }.sorted()
    let known = Set(numbers.flatMap { [paths.segment($0), paths.index($0)] })
    for name in names where !known.contains("\(paths.directory)/\(name)") && isOurs(name) {
      try files.unlink("\(paths.directory)/\(name)")
    }
    var mapped: [(number: UInt64, length: Int, mapping: FileMapping?)] = []
    var durable = durableBatch
    for number in numbers {
      let file = try files.open(paths.segment(number), flags: O_RDONLY)
      let length = try files.length(of: file)
      let mapping = length > 0 ? try files.map(file, capacity: length) : nil
      mapped.append((number, length, mapping))
      let bytes = UnsafeRawBufferPointer(start: mapping?.address, count: length)
      if let header = try SegmentHeader.decode(bytes) { durable = max(durable, header.durableBatch) }
    }
    var found: [Found] = []
    for item in mapped {
      let bytes = UnsafeRawBufferPointer(start: item.mapping?.address, count: item.length)
      let scan = try SegmentScan.scan(number: item.number, bytes: bytes, durableBatch: durable)
      found.append(Found(scan: scan, mapping: item.mapping))
    }
    return found
  }

  /// Index files without a segment, and files whose writing was cut short.
  private func isOurs(_ name: String) -> Bool { name.hasSuffix(".index") || name.hasSuffix(".new") }

  /// The first batch that is missing, incomplete or damaged.
  private func firstUnusableBatch(_ found: [Found], durable: UInt64) -> UInt64 {
    var frames: [UInt64: (found: Int, expected: Int)] = [:]
    for item in found {
      for frame in item.scan.frames where frame.header.batch > durable {
        frames[frame.header.batch, default: (0, frame.header.frameCount)].found += 1
      }
    }
    var cut = durable + 1
    while let batch = frames[cut], batch.found >= batch.expected { cut += 1 }
    var previousFirstBatch: UInt64 = 1
    for item in found {
      if item.scan.tail == .damaged {
        let firstBad = item.scan.frames.last.map { $0.header.batch + 1 } ?? item.scan.header?.firstBatch
        cut = min(cut, firstBad ?? previousFirstBatch)
      }
      previousFirstBatch = item.scan.header?.firstBatch ?? previousFirstBatch
    }
    return cut
  }

  /// Cuts a segment's file; nil when nothing of it remains.
  private func keep(_ item: Found, cut: UInt64) throws(StoreError) -> Found? {
    var item = item
    let remaining = item.scan.cut(from: cut)
    guard let header = item.scan.header, header.firstBatch <= cut else {
      logger.notice(
        "A segment is dropped: nothing in it can be used",
        metadata: ["segment": "\(item.scan.number)", "bytes": "\(item.scan.fileBytes)"])
      try files.unlink(paths.segment(item.scan.number))
      try files.unlink(paths.index(item.scan.number))
      return nil
    }
    if remaining < item.scan.fileBytes {
      logger.notice(
        "A segment's end is cut: it comes again from the topic",
        metadata: ["segment": "\(item.scan.number)", "bytes": "\(item.scan.fileBytes - remaining)"])
      let file = try files.open(paths.segment(item.scan.number), flags: O_RDWR)
      try files.truncate(file, to: remaining)
      try files.sync(file)
      try files.unlink(paths.index(item.scan.number))
      item.mapping = try files.map(file, capacity: remaining)
      item.scan.fileBytes = remaining
    } else {
      // Batches after the checkpoint may not be on disk yet; they are called durable from here on.
      try files.sync(try files.open(paths.segment(item.scan.number), flags: O_RDWR))
    }
    return item
  }

  private func fold(_ item: Found, into store: inout RecoveredStore, table: inout GroupTable) {
    for (partition, standing) in item.scan.header?.standings ?? [:] { store.advance(partition, to: standing) }
    for frame in item.scan.frames {
      for part in frame.header.coverage {
        store.advance(part.partition, to: Standing(next: part.next, lastRecord: part.lastRecord))
      }
      if store.sources.isRereading { store.sources.keepReread(item.bytes, frame) }
      guard frame.header.batch > store.checkpointedBatch else { continue }
      let coverage = frame.header.coverage
      store.latestMilliseconds = max(store.latestMilliseconds, frame.header.storedMilliseconds)
      _ = FrameRecord.forEach(in: item.bytes, frameAt: frame.position, header: frame.header) { record, key, at, count in
        let partition = coverage[record.coverageIndex].partition
        let text = UnsafeRawBufferPointer(rebasing: item.bytes[at..<(at + count)])
        if record.kind == .rejected { store.rejected[String(decoding: text, as: UTF8.self), default: 0] += 1 }
        if record.kind == .hole {
          store.holes.append(
            Hole(
              partition: partition, from: record.offset, to: Int64(clamping: record.ordinal),
              reason: Hole.Reason(rawValue: String(decoding: text, as: UTF8.self)) ?? .topicRetention,
              recordedMilliseconds: record.createdMilliseconds))
        }
        if record.kind == .source { store.sources.fold(project: key, text, now: record.createdMilliseconds) }
        guard key.count > 0, record.kind != .source else { return }
        fold(record, group: group(key, partition, &store, &table), reason: text, into: &store)
      }
    }
  }

  private func group(
    _ key: UnsafeRawBufferPointer, _ partition: Int32, _ store: inout RecoveredStore, _ table: inout GroupTable
  ) -> UInt32 {
    if let known = table.number(of: key, partition: partition) { return known }
    let group = directory.register(key: QueueKey(bytes: Array(key)), partition: partition)
    table.insert(key, partition: partition, number: group.number)
    store.groups.append(group)
    store.counters.append(.init())
    return group.number
  }

  private func fold(
    _ record: FrameRecord, group: UInt32, reason: UnsafeRawBufferPointer, into store: inout RecoveredStore
  ) {
    let index = Int(group)
    store.counters[index].received = max(store.counters[index].received, record.ordinal)
    store.counters[index].lastOffset = max(store.counters[index].lastOffset, record.offset)
    if record.kind != .action {
      store.counters[index].unindexed.raise(to: .init(offset: record.offset, ordinal: record.ordinal))
    }
    if record.kind == .expiredOnArrival { store.counters[index].expiredOnArrival += 1 }
    if record.kind == .rejected {
      store.counters[index].rejected += 1
      store.rejections[group, default: Rejections()]
        .add(ordinal: record.ordinal, reason: String(decoding: reason, as: UTF8.self))
    }
    store.changedGroups.insert(group)
  }

  /// The segment with its index; the index is built anew where there is none to trust.
  private func sealed(_ item: Found, store: RecoveredStore, table: GroupTable) throws(StoreError) -> SealedSegment {
    guard let mapping = item.mapping, let header = item.scan.header else {
      throw StoreError(.damaged, "segment \(item.scan.number) has no header")
    }
    var coverage: [Int32: Range<Int64>] = [:]
    for frame in item.scan.frames {
      for part in frame.header.coverage where part.first < part.next {
        coverage.extend(partition: part.partition, part.first..<part.next)
      }
    }
    let lastBatch = item.scan.frames.last?.header.batch ?? (header.firstBatch - 1)
    let number = item.scan.number
    if let index = try SealedIndex.open(
      segment: number, segmentBytes: item.scan.fileBytes, paths: paths, files: files)
    {
      let segment = Segment(
        number: number, lane: header.lane, mapping: mapping, index: .sealed(index), coverage: coverage,
        latestExpiry: index.latestExpiryMilliseconds)
      return SealedSegment(
        segment: segment, firstBatch: header.firstBatch, lastBatch: lastBatch, segmentBytes: item.scan.fileBytes,
        bytesOnDisk: item.scan.fileBytes + index.byteCount)
    }
    let rebuilt = rebuildIndex(item, table: table)
    let lists = rebuilt.allLists().map { (group: store.groups[Int($0.key)], list: $0.value) }
    let latestExpiry = lists.reduce(Int64.min) { latest, item in
      item.list.entries.reduce(latest) { max($0, $1.expiresMilliseconds) }
    }
    do throws(StoreError) {
      let index = try SealedIndex.write(
        segment: number, segmentBytes: item.scan.fileBytes, lists: lists, paths: paths, files: files)
      let segment = Segment(
        number: number, lane: header.lane, mapping: mapping, index: .sealed(index), coverage: coverage,
        latestExpiry: latestExpiry)
      return SealedSegment(
        segment: segment, firstBatch: header.firstBatch, lastBatch: lastBatch, segmentBytes: item.scan.fileBytes,
        bytesOnDisk: item.scan.fileBytes + index.byteCount)
    } catch  where error.isFull {
      // A full disk does not keep the node from serving: the index stays in memory, and in the next start's work.
      let segment = Segment(
        number: number, lane: header.lane, mapping: mapping, index: .open(rebuilt), coverage: coverage,
        latestExpiry: latestExpiry)
      return SealedSegment(
        segment: segment, firstBatch: header.firstBatch, lastBatch: lastBatch, segmentBytes: item.scan.fileBytes,
        bytesOnDisk: item.scan.fileBytes)
    }
  }

  private func rebuildIndex(_ item: Found, table: GroupTable) -> OpenIndex {
    let index = OpenIndex()
    for frame in item.scan.frames {
      _ = FrameRecord.forEach(in: item.bytes, frameAt: frame.position, header: frame.header) { record, key, at, count in
        let partition = frame.header.coverage[record.coverageIndex].partition
        guard record.kind == .action, let group = table.number(of: key, partition: partition) else { return }
        index.insert(
          IndexEntry(
            offset: record.offset, createdMilliseconds: record.createdMilliseconds, ordinal: record.ordinal,
            position: UInt32(truncatingIfNeeded: at), bodyBytes: UInt32(truncatingIfNeeded: count),
            timeToLiveSeconds: record.timeToLiveSeconds, eventHash: record.eventHash), group: group)
      }
    }
    return index
  }
}
