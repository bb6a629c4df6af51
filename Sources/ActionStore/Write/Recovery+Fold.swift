#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the kept segments say: counts, offsets, indexes.
extension Recovery {
  func fold(_ item: Found, into store: inout RecoveredStore, table: inout GroupTable) {
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
        if record.kind == .dropped {
          store.dropped[String(decoding: text, as: UTF8.self), default: 0] += record.ordinal
        }
        if record.kind == .hole {
          store.holes.append(
            Hole(
              partition: partition, from: record.offset, to: Int64(clamping: record.ordinal),
              reason: Hole.Reason(rawValue: String(decoding: text, as: UTF8.self)) ?? .topicRetention,
              recordedMilliseconds: record.createdMilliseconds))
        }
        if record.kind == .source { store.sources.fold(project: key, text, now: record.createdMilliseconds) }
        guard key.count > 0, record.kind.isOfQueue else { return }
        fold(record, group: group(key, partition, &store, &table), reason: text, into: &store)
      }
      // Without a catalog: what a batch had received stands in another lane than its actions, and may be gone.
      if store.checkpointedBatch == 0 {
        NumberBlock.forEach(in: item.bytes, frameAt: frame.position) { block in
          store.sources.fold(block, now: frame.header.storedMilliseconds)
        }
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

  /// The segment with its index; where there is none to trust the index is built anew, and its file written later.
  func takeOver(
    _ item: Found, into store: inout RecoveredStore, table: GroupTable
  ) throws(StoreError) {
    guard let mapping = item.mapping, let header = item.scan.header else {
      throw StoreError(.damaged, "segment \(item.scan.number) has no header")
    }
    let number = item.scan.number
    let frames = item.scan.frames.map { UInt32(truncatingIfNeeded: $0.position) }
    if let index = item.index {
      let check = SegmentCheck(index: index, mapping: mapping, health: store.health)
      store.segments.append(SealedSegment(mapping: mapping, index: index, check: check))
      return
    }
    if let index = try SealedIndex.open(
      segment: number, segmentBytes: item.scan.fileBytes, paths: paths, files: files),
      index.isSound(frames: frames)
    {
      store.segments.append(SealedSegment(mapping: mapping, index: index, check: nil))
      return
    }
    let index = rebuildIndex(item, table: table)
    let latestExpiry = index.allLists().values.reduce(Int64.min) { latest, list in
      list.entries.reduce(latest) { max($0, $1.expiresMilliseconds) }
    }
    let segment = Segment(
      number: number, lane: header.lane, mapping: mapping, index: .open(index), coverage: [:],
      latestExpiry: latestExpiry)
    let path = paths.segment(number)
    let retired = OpenSegment(
      segment: segment, index: index, file: try files.open(path, flags: O_RDWR),
      createdMilliseconds: header.createdMilliseconds, path: path, length: item.scan.fileBytes,
      firstBatch: header.firstBatch, lastBatch: item.scan.frames.last?.header.batch ?? (max(1, header.firstBatch) - 1))
    retired.isDirty = false
    retired.frames = frames
    for frame in item.scan.frames {
      retired.extendCoverage(by: frame.header.coverage)
      segment.numbers.note(frame: frame.position, in: item.bytes)
    }
    store.retired.append(retired)
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
