#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension StoreWriter {
  func beginBatch(now: Int64, lead: Int64) { batch.reset(now: now, lead: lead) }

  /// Writes the batch that was put together, indexes it and makes it visible; or throws, and nothing of it stays.
  func commitBatch() throws(StoreError) -> AppendOutcome {
    let outcome = batch.outcome
    // A partition seen for the first time is progress too: from here on it is known where it stands.
    guard batch.coverage.contains(where: { $0.next > $0.first || standings[$0.partition] == nil }) else {
      // Nothing but duplicates: they are counted, and no frame is written.
      countBatch()
      return outcome
    }
    if batch.lanes.allSatisfy({ $0.recordCount == 0 }) { _ = batch.buffer(of: 0) }
    let lanes = batch.lanes.indices.filter { batch.lanes[$0].recordCount > 0 }
    let written = lanes.isEmpty ? [0] : lanes
    let number = lastBatch + 1
    do throws(StoreError) {
      try checkBudget()
      try cutTornTails()
      var starts: [(lane: Int, segment: OpenSegment, start: Int, recordsStart: Int, end: Int)] = []
      for lane in written {
        let records = batch.buffer(of: lane).bytes
        let head = FrameHeader.encode(
          batch: number, frameCount: written.count, recordCount: batch.lanes[lane].recordCount,
          storedMilliseconds: batch.now, coverage: batch.coverage, numbersStart: batch.lanes[lane].numbersStart,
          records: records)
        let target = try segment(for: lane, frameBytes: head.count + records.count)
        target.isTorn = true
        target.isDirty = true
        try write(head, records, to: target)
        let recordsStart = target.length + head.count
        starts.append((lane, target, target.length, recordsStart, recordsStart + records.count))
      }
      for part in starts {
        part.segment.isTorn = false
        bytesOnDisk += Int64(part.end - part.segment.length)
        part.segment.length = part.end
        part.segment.lastBatch = number
        part.segment.frames.append(UInt32(truncatingIfNeeded: part.start))
        part.segment.extendCoverage(by: batch.coverage)
        index(lane: part.lane, in: part.segment, recordsStart: part.recordsStart)
        let spans = batch.lanes[part.lane].spans
        if !spans.isEmpty { part.segment.segment.numbers.note(frame: part.start, spans) }
      }
    } catch {
      undoBatch()
      // A torn frame left behind is cut before the next one is written.
      try? cutTornTails()
      throw error
    }
    lastBatch = number
    for part in batch.coverage {
      standings[part.partition] = Standing(next: part.next, lastRecord: part.lastRecord)
    }
    for hole in batch.holes { holes.append(hole) }
    countBatch()
    return outcome
  }

  /// Makes what the batch counted visible, together with its offsets.
  private func countBatch() {
    duplicates += UInt64(batch.outcome.duplicates)
    sources.install(batch.sources)
    for (reason, count) in batch.rejected { rejected[reason, default: 0] += count }
    for (reason, count) in batch.dropped { dropped[reason, default: 0] += count }
    var changedRejections: [UInt32: Rejections] = [:]
    for item in batch.rejections {
      rejections[item.group, default: Rejections()].add(ordinal: item.ordinal, reason: item.reason)
      changedRejections[item.group] = rejections[item.group]
    }
    hasUncheckpointedChange = true
    for group in batch.groups.members { changedGroups.insert(group) }
    if !kept.isEmpty { for group in batch.groups.members { raiseFloor(of: group, now: batch.now) } }
    let changes = batch.groups.members.map { (group: $0, counters: counters[Int($0)]) }
    let totals = batch.dropped.isEmpty ? nil : dropped
    publishOffsets { directory in directory.update(changes, rejections: changedRejections, dropped: totals) }
  }

  /// Forgets the batch: counters return to what they were.
  func undoBatch() {
    for (group, before) in zip(batch.groups.members, batch.previous) { counters[Int(group)] = before }
  }

  private func write(_ head: [UInt8], _ records: UnsafeRawBufferPointer, to target: OpenSegment) throws(StoreError) {
    var failure: StoreError?
    head.withUnsafeBytes { head in
      do throws(StoreError) {
        try files.write([head, records], to: target.file, at: target.length)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func index(lane: Int, in target: OpenSegment, recordsStart: Int) {
    target.segment.raiseLatestExpiry(to: batch.lanes[lane].latestExpiry)
    for item in batch.lanes[lane].entries {
      var entry = item.entry
      entry.position &+= UInt32(truncatingIfNeeded: recordsStart)
      target.index.insert(entry, group: item.group)
    }
  }

  private func checkBudget() throws(StoreError) {
    guard bytesOnDisk < configuration.budgetBytes else {
      throw StoreError(
        .budgetExhausted,
        "the store holds \(bytesOnDisk) bytes of its budget of \(configuration.budgetBytes); expiry frees space")
    }
  }

  private func cutTornTails() throws(StoreError) {
    for case let target? in open where target.isTorn {
      try files.truncate(target.file, to: target.length)
      target.isTorn = false
    }
  }

  /// The lane's open segment with room for a frame, a new one if need be.
  private func segment(for lane: Int, frameBytes: Int) throws(StoreError) -> OpenSegment {
    if let current = open[lane] {
      let isWindowOver = batch.now - current.createdMilliseconds >= Lane.windowMilliseconds(lane)
      let isFull = current.length + frameBytes > current.segment.mapping.capacity
      if !isWindowOver && !isFull { return current }
      retire(lane: lane)
    }
    return try begin(lane: lane, frameBytes: frameBytes)
  }

  /// Ends appending to a lane's segment. Its index is written by maintenance.
  func retire(lane: Int) {
    guard let current = open[lane] else { return }
    open[lane] = nil
    retired.append(current)
  }

  /// Creates a segment. Its header says where every partition stands, so that older segments may go.
  @discardableResult
  func begin(lane: Int, frameBytes: Int) throws(StoreError) -> OpenSegment {
    let header = SegmentHeader(
      number: nextSegment, storeIdentity: identity, lane: lane, createdMilliseconds: batch.now,
      firstBatch: lastBatch + 1, durableBatch: durableBatch, standings: standings)
    let bytes = header.encoded()
    let capacity = max(configuration.segmentBytesMax, bytes.count + frameBytes)
    guard capacity <= UInt32.max else {
      throw StoreError(.inputOutput, "a batch of \(frameBytes) bytes does not fit a segment; lower the batch size")
    }
    let path = paths.segment(header.number)
    let file = try files.open(path, flags: O_RDWR | O_CREAT | O_TRUNC)
    let segmentIndex = OpenIndex()
    do throws(StoreError) {
      try bytes.withUnsafeBytesThrowing { (content) throws(StoreError) in
        try files.write([content], to: file, at: 0)
      }
      let mapping = try files.map(file, capacity: capacity)
      let segment = Segment(
        number: header.number, lane: lane, mapping: mapping, index: .open(segmentIndex), coverage: [:],
        latestExpiry: .min)
      let created = OpenSegment(
        segment: segment, index: segmentIndex, file: file, createdMilliseconds: batch.now, path: path,
        length: bytes.count, firstBatch: lastBatch + 1, lastBatch: lastBatch)
      nextSegment += 1
      bytesOnDisk += Int64(bytes.count)
      open[lane] = created
      publishSnapshot()
      return created
    } catch {
      try? files.unlink(path)
      throw error
    }
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` for a body that throws a typed error.
  func withUnsafeBytesThrowing<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
    var failure: E?
    withUnsafeBytes { bytes in
      do throws(E) { try body(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
