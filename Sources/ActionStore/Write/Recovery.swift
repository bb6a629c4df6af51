import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Brings a data directory back to the last batch that is whole in all its lanes.
///
/// Sealed segments that the last checkpoint knows, and that are as long as it says, are taken over unread: their index
/// files say what there is to know, and ``SegmentCheck`` looks at each piece before it is read. All others are read and
/// every checksum verified: after a kill those that were being written to. Where anything is wrong, everything is read.
///
/// What was written after the last whole batch is cut off and comes again from Kafka, because the offsets follow the
/// cut.
struct Recovery {
  let files: FileSystem
  let paths: SegmentPaths
  let directory: QueueDirectory
  let logger: Logger
  /// Milliseconds since 1970: part of the name of what is set aside.
  let now: Int64
  /// Whether readers still have the files mapped: then none is made shorter under them.
  var isRunning = false

  struct Found {
    var scan: SegmentScan
    var mapping: FileMapping?
    /// Of a segment that was not read.
    var index: SealedIndex?
    var bytes: UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: mapping?.address, count: mapping == nil ? 0 : scan.fileBytes)
    }
  }

  /// What was found in the directory, and from which batch on it cannot be used.
  private struct Survey {
    var found: [Found]
    var cut: UInt64
    /// Something that was on disk once is not any more.
    var isDamaged: Bool
  }

  /// - Parameters:
  ///   - catalog: what the catalog held; nil when it is new.
  ///   - trustsIndexes: false reads everything.
  func recover(catalog: Catalog.Contents?, trustsIndexes: Bool = true) throws(StoreError) -> RecoveredStore {
    // Their actions are counted as gone: they must not be counted again as expired.
    for number in catalog?.departing ?? [] {
      try files.unlink(paths.segment(number))
      try files.unlink(paths.index(number))
    }
    // What is read again after damage is known from the frames alone.
    let trusts = trustsIndexes && !(catalog?.sources.isRereading ?? false)
    var survey = try survey(catalog, trusted: trusts ? Self.facts(of: catalog) : [:])
    if survey.isDamaged, survey.found.contains(where: { $0.index != nil }) {
      survey = try self.survey(catalog, trusted: [:])
    }
    var store = RecoveredStore(identity: catalog?.identity ?? .random())
    var table = GroupTable()
    if let catalog {
      begin(with: catalog, &store, &table)
    } else if !survey.found.isEmpty {
      logger.warning(
        """
        There are segments and no catalog: counts, queues and the ranges of sources begin anew from what the segments \
        still hold; numbers of what has expired are told as missing, and taken if they come again
        """, metadata: ["segments": "\(survey.found.count)"])
    }
    if survey.isDamaged {
      // Counts of before and after are not comparable.
      store.identity = .random()
      try setAside(survey.found, cut: survey.cut)
      store.sources.beginRereading(below: catalog?.standings ?? [:])
    } else {
      store.standings = catalog?.standings ?? [:]
    }
    var kept: [Found] = []
    for item in survey.found {
      if let item = try keep(item, cut: survey.cut) { kept.append(item) }
    }
    // Nor the number of one that the catalog still names: it would be taken for what was lost.
    let numbers = survey.found.map(\.scan.number) + (catalog?.departing ?? []) + (catalog?.segments.map(\.number) ?? [])
    store.nextSegment = (numbers.max() ?? 0) + 1
    store.lastBatch = max(survey.cut - 1, store.checkpointedBatch)
    for item in kept { fold(item, into: &store, table: &table) }
    for item in kept { try takeOver(item, into: &store, table: table) }
    if survey.isDamaged { goBack(kept, &store, table) }
    if survey.isDamaged || !(catalog?.isCounted ?? false) { recount(&store, table) }
    directory.update(
      store.counters.indices.map { (UInt32($0), store.counters[$0]) }, rejections: store.rejections,
      dropped: store.dropped)
    return store
  }

  /// The segments of the last checkpoint, by number. A catalog that did not count what expired has every record counted
  /// anew.
  private static func facts(of catalog: Catalog.Contents?) -> [UInt64: (bytes: Int, checkpoint: UInt64)] {
    guard let catalog, catalog.isCounted else { return [:] }
    return Dictionary(catalog.segments.map { ($0.number, ($0.bytes, catalog.batch)) }) { first, _ in first }
  }

  private func survey(
    _ catalog: Catalog.Contents?, trusted: [UInt64: (bytes: Int, checkpoint: UInt64)]
  ) throws(StoreError) -> Survey {
    let checkpointed = catalog?.batch ?? 0
    var found = try scanAll(durableBatch: checkpointed, trusted: trusted)
    let missing = compare(&found, with: catalog)
    let durable = found.reduce(checkpointed) { max($0, $1.scan.header?.durableBatch ?? 0) }
    let cut = max(1, min(firstUnusableBatch(found, durable: durable), missing ?? .max))
    return Survey(found: found, cut: cut, isDamaged: cut <= durable)
  }

  private func begin(with catalog: Catalog.Contents, _ store: inout RecoveredStore, _ table: inout GroupTable) {
    store.checkpointedBatch = catalog.batch
    store.rejected = catalog.rejected
    store.duplicates = catalog.duplicates
    store.dropped = catalog.dropped
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
        guard found[place].index == nil else { continue }
        // Not the file's length: what follows the last whole frame may be garbage that looks like a torn write.
        if found[place].scan.wholeBytes < segment.bytes { found[place].scan.tail = .damaged }
      } else {
        missing = min(missing ?? .max, segment.firstBatch)
      }
    }
    return missing
  }

  private func scanAll(
    durableBatch: UInt64, trusted: [UInt64: (bytes: Int, checkpoint: UInt64)]
  ) throws(StoreError) -> [Found] {
    let names = try files.names(in: paths.directory)
    let numbers = names.compactMap { SegmentPaths.number(ofSegmentNamed: $0) }.sorted()
    let known = Set(numbers.flatMap { [paths.segment($0), paths.index($0)] })
    for name in names where !known.contains("\(paths.directory)/\(name)") && isOurs(name) {
      try files.unlink("\(paths.directory)/\(name)")
    }
    var mapped: [(number: UInt64, length: Int, mapping: FileMapping?, header: SegmentHeader?, index: SealedIndex?)] = []
    var durable = durableBatch
    for number in numbers where trusted[number] != nil {
      SealedIndex.fetch(segment: number, paths: paths, files: files)
    }
    for number in numbers {
      let file = try files.open(paths.segment(number), flags: O_RDONLY)
      let length = try files.length(of: file)
      let mapping = length > 0 ? try files.map(file, capacity: length) : nil
      if let fact = trusted[number], fact.bytes == length,
        let index = try SealedIndex.open(segment: number, segmentBytes: length, paths: paths, files: files),
        index.summary.lastBatch <= fact.checkpoint
      {
        mapped.append((number, length, mapping, nil, index))
        continue
      }
      let header = try header(of: UnsafeRawBufferPointer(start: mapping?.address, count: length))
      if let header { durable = max(durable, header.durableBatch) }
      mapped.append((number, length, mapping, header, nil))
    }
    var found: [Found] = []
    for item in mapped {
      if let index = item.index {
        found.append(Found(scan: SegmentScan(index.summary), mapping: item.mapping, index: index))
        continue
      }
      let bytes = UnsafeRawBufferPointer(start: item.mapping?.address, count: item.length)
      let scan = SegmentScan.scan(number: item.number, header: item.header, bytes: bytes, durableBatch: durable)
      found.append(Found(scan: scan, mapping: item.mapping))
    }
    return found
  }

  /// Nil when it is torn or damaged. A store that runs has no segments of a newer version: there the number is damaged.
  private func header(of bytes: UnsafeRawBufferPointer) throws(StoreError) -> SegmentHeader? {
    do throws(StoreError) { return try SegmentHeader.decode(bytes) } catch {
      guard isRunning, error.code == .newerVersion else { throw error }
      return nil
    }
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
    if item.index != nil { return item }
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
      if isRunning {
        try files.replace(paths.segment(item.scan.number), with: Array(item.bytes[..<remaining]))
      }
      let file = try files.open(paths.segment(item.scan.number), flags: O_RDWR)
      if !isRunning {
        try files.truncate(file, to: remaining)
        try files.sync(file)
      }
      try files.unlink(paths.index(item.scan.number))
      item.mapping = try files.map(file, capacity: remaining)
      item.scan.fileBytes = remaining
    } else {
      // Batches after the checkpoint may not be on disk yet; they are called durable from here on.
      try files.sync(try files.open(paths.segment(item.scan.number), flags: O_RDWR))
    }
    return item
  }
}
