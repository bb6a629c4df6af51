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
    store.checkpointedBatch = catalog?.batch ?? 0
    store.rejected = catalog?.rejected ?? [:]
    store.duplicates = catalog?.duplicates ?? 0
    var table = GroupTable()
    for row in catalog?.groups ?? [] {
      let group = directory.register(key: row.key, partition: row.partition, counters: row.counters)
      row.key.bytes.withUnsafeBytes { table.insert($0, partition: row.partition, number: group.number) }
      store.groups.append(group)
      store.counters.append(row.counters)
    }

    let found = try scanAll(durableBatch: store.checkpointedBatch)
    let durable = found.reduce(store.checkpointedBatch) { max($0, $1.scan.header?.durableBatch ?? 0) }
    let cut = firstUnusableBatch(found, durable: durable)
    if cut <= durable {
      logger.warning(
        "The store was damaged: it is cut back and read again from the topic", metadata: ["batch": "\(cut)"])
      // Counts of before and after are not comparable.
      store.identity = .random()
    }
    var kept: [Found] = []
    for item in found {
      if let item = try keep(item, cut: cut) { kept.append(item) }
    }
    store.nextSegment = (found.map(\.scan.number).max() ?? 0) + 1
    store.lastBatch = max(cut - 1, store.checkpointedBatch)
    for item in kept { fold(item, into: &store, table: &table) }
    for item in kept { store.segments.append(try sealed(item, store: store, table: table)) }
    return store
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
    for (partition, offset) in item.scan.header?.nextOffsets ?? [:] {
      store.nextOffsets[partition] = max(store.nextOffsets[partition] ?? .min, offset)
    }
    for frame in item.scan.frames {
      for part in frame.header.coverage {
        store.nextOffsets[part.partition] = max(store.nextOffsets[part.partition] ?? .min, part.next)
      }
      guard frame.header.batch > store.checkpointedBatch else { continue }
      _ = FrameRecord.forEach(in: item.bytes, frameAt: frame.position, header: frame.header) { record, key, at, count in
        guard record.kind != .rejected else {
          let reason = String(decoding: item.bytes[at..<(at + count)], as: UTF8.self)
          store.rejected[reason, default: 0] += 1
          return
        }
        let partition = frame.header.coverage[record.coverageIndex].partition
        let number: UInt32
        if let known = table.number(of: key, partition: partition) {
          number = known
        } else {
          let group = directory.register(key: QueueKey(bytes: Array(key)), partition: partition, counters: .init())
          table.insert(key, partition: partition, number: group.number)
          store.groups.append(group)
          store.counters.append(.init())
          number = group.number
        }
        store.counters[Int(number)].received = max(store.counters[Int(number)].received, record.ordinal)
        if record.kind == .expiredOnArrival { store.counters[Int(number)].expiredOnArrival += 1 }
        store.changedGroups.insert(number)
      }
    }
    directory.update(store.changedGroups.map { ($0, store.counters[Int($0)]) })
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
        segment: segment, lastBatch: lastBatch, bytesOnDisk: item.scan.fileBytes + index.byteCount)
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
        segment: segment, lastBatch: lastBatch, bytesOnDisk: item.scan.fileBytes + index.byteCount)
    } catch  where error.isFull {
      // A full disk does not keep the node from serving: the index stays in memory, and in the next start's work.
      let segment = Segment(
        number: number, lane: header.lane, mapping: mapping, index: .open(rebuilt), coverage: coverage,
        latestExpiry: latestExpiry)
      return SealedSegment(segment: segment, lastBatch: lastBatch, bytesOnDisk: item.scan.fileBytes)
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
