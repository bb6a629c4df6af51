package import AuditActions

/// What the caller of `ActionStore.append` puts a batch together with. Use it only inside that call.
package struct BatchWriter {
  let writer: StoreWriter

  /// Adds one action, copying key and body.
  ///
  /// - Parameters:
  ///   - key: `project/queue`, validated.
  ///   - timestampMilliseconds: the record's; nil or later than now counts as now, so that nothing lives longer than
  ///     its TTL after it was read.
  ///   - timeToLiveSeconds: 1 … 1,209,600.
  ///   - body: a validated action, at most 256 KiB.
  /// - Returns: false when the offset was stored before: nothing was added.
  @inline(__always)
  @discardableResult
  package func add(
    partition: Int32, offset: Int64, key: UnsafeRawBufferPointer, timestampMilliseconds: Int64?,
    timeToLiveSeconds: Int32, eventHash: UInt32, body: UnsafeRawBufferPointer
  ) -> Bool {
    writer.add(
      partition: partition, offset: offset, key: key, timestamp: timestampMilliseconds,
      timeToLive: timeToLiveSeconds, eventHash: eventHash, body: body)
  }

  /// Keeps which number the action has that was added last, so that it can be found by it.
  package func number(_ mark: SourceIntake.Mark, keyBytes: Int, timeToLiveSeconds: Int32) {
    writer.number(mark, keyBytes: keyBytes, timeToLive: timeToLiveSeconds)
  }

  /// Counts a record that went to the dead-letter topic.
  ///
  /// - Parameter key: the record's `project/queue` when it is a valid one: then the queue's readers are told.
  package func reject(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer?, reason: String) {
    writer.reject(
      partition: partition, offset: offset, key: key ?? UnsafeRawBufferPointer(start: nil, count: 0), reason: reason)
  }

  /// Counts a record whose sequence number was received before, and moves past it.
  package func skipDuplicate(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer) {
    writer.skipDuplicate(partition: partition, offset: offset, key: key)
  }

  /// Counts a record that its queue does not want, and moves past it. The queue's count of records stays: what was not
  /// wanted is no gap.
  package func drop(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer, reason: DropReason) {
    writer.drop(partition: partition, offset: offset, key: key, reason: reason)
  }

  /// Keeps the counts of what was dropped. To be called once everything is added, and before ``receive(_:)``.
  package func keepDrops() { writer.keepDrops() }

  /// Keeps the sequence numbers that came with this batch. To be called last.
  package func receive(_ intake: SourceIntake) { writer.receive(intake) }

  /// Records for good that Kafka no longer has the offsets from where the store stands to below `end`, and moves past
  /// them. Nothing happens when the store stands at `end` or beyond.
  package func recordHole(partition: Int32, to end: Int64, reason: Hole.Reason) {
    writer.recordHole(partition: partition, to: end, reason: reason)
  }

  /// Keeps the fingerprint of a partition's last record in this batch, to know the partition again by. To be called
  /// after the record was added or rejected.
  package func remember(_ record: RecordFingerprint, at offset: Int64, of partition: Int32) {
    let index = writer.coverageIndex(of: partition, at: offset)
    if writer.batch.coverage[index].next == offset + 1 { writer.batch.coverage[index].lastRecord = record }
  }

  /// Moves past offsets that hold no record for us (transaction markers, aborted or compacted records).
  package func advance(partition: Int32, to nextOffset: Int64) {
    let index = writer.coverageIndex(of: partition, at: nextOffset)
    if nextOffset > writer.batch.coverage[index].next { writer.batch.coverage[index].next = nextOffset }
  }
}

extension StoreWriter {
  /// The entry of the coverage table for a partition; nearly always the one used last.
  @inline(__always)
  func coverageIndex(of partition: Int32, at offset: Int64) -> Int {
    if let last = batch.coverage.indices.last, batch.coverage[last].partition == partition { return last }
    if let known = batch.coverage.firstIndex(where: { $0.partition == partition }) { return known }
    let standing = standings[partition] ?? Standing(next: offset, lastRecord: .unknown)
    batch.coverage.append(
      .init(partition: partition, first: standing.next, next: standing.next, lastRecord: standing.lastRecord))
    return batch.coverage.count - 1
  }

  /// Claims an offset for this batch; nil when it was stored before.
  @inline(__always)
  private func claim(partition: Int32, offset: Int64) -> Int? {
    let index = coverageIndex(of: partition, at: offset)
    guard offset >= batch.coverage[index].next else { return nil }
    batch.coverage[index].next = offset + 1
    return index
  }

  /// The counters of a group as this batch changes them.
  @inline(__always)
  private func remember(_ group: UInt32) {
    if batch.groups.insert(group) { batch.previous.append(counters[Int(group)]) }
  }

  private func countDuplicate(of key: UnsafeRawBufferPointer, partition: Int32) {
    batch.outcome.duplicates += 1
    guard let group = table.number(of: key, partition: partition) else { return }
    remember(group)
    counters[Int(group)].duplicates += 1
  }

  @inline(__always)
  func add(
    partition: Int32, offset: Int64, key: UnsafeRawBufferPointer, timestamp: Int64?, timeToLive: Int32,
    eventHash: UInt32, body: UnsafeRawBufferPointer
  ) -> Bool {
    guard let coverage = claim(partition: partition, offset: offset) else {
      countDuplicate(of: key, partition: partition)
      return false
    }
    let group = group(of: key, partition: partition)
    let index = Int(group)
    remember(group)
    counters[index].received &+= 1
    counters[index].lastOffset = offset
    let ordinal = counters[index].received
    // Wall-clock time as the store counts it, and never later than now: nothing lives longer than its TTL.
    let created = timestamp.map { min($0.addingReportingOverflow(batch.lead).partialValue, batch.now) } ?? batch.now
    let expires = created &+ Int64(timeToLive) &* 1_000
    var record = FrameRecord(
      offset: offset, createdMilliseconds: created, ordinal: ordinal, timeToLiveSeconds: timeToLive,
      eventHash: eventHash, coverageIndex: coverage, kind: .action)
    guard expires > batch.now else {
      counters[index].expiredOnArrival &+= 1
      counters[index].unindexed.raise(to: .init(offset: offset, ordinal: ordinal))
      batch.outcome.expiredOnArrival += 1
      record.kind = .expiredOnArrival
      _ = record.append(key: key, body: UnsafeRawBufferPointer(start: nil, count: 0), to: batch.buffer(of: 0))
      batch.lanes[0].recordCount += 1
      return true
    }
    let lane = Lane.lane(forTimeToLive: timeToLive)
    let position = record.append(key: key, body: body, to: batch.buffer(of: lane))
    batch.lanes[lane].recordCount += 1
    // `position` counts from the start of the lane's records; commit adds where they come to lie.
    batch.lanes[lane].entries.append(
      (
        group,
        IndexEntry(
          offset: offset, createdMilliseconds: created, ordinal: ordinal,
          position: UInt32(truncatingIfNeeded: position), bodyBytes: UInt32(truncatingIfNeeded: body.count),
          timeToLiveSeconds: timeToLive, eventHash: eventHash)
      ))
    if expires > batch.lanes[lane].latestExpiry { batch.lanes[lane].latestExpiry = expires }
    batch.outcome.stored += 1
    return true
  }

  func skipDuplicate(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer) {
    _ = claim(partition: partition, offset: offset)
    countDuplicate(of: key, partition: partition)
  }

  func drop(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer, reason: DropReason) {
    guard claim(partition: partition, offset: offset) != nil else {
      return countDuplicate(of: key, partition: partition)
    }
    batch.dropped[reason.rawValue, default: 0] += 1
    batch.outcome.dropped[reason, default: 0] += 1
  }

  func keepDrops() {
    for (reason, count) in batch.dropped {
      append(
        FrameRecord(
          offset: 0, createdMilliseconds: batch.now, ordinal: count, timeToLiveSeconds: 0, eventHash: 0,
          coverageIndex: 0, kind: .dropped), key: UnsafeRawBufferPointer(start: nil, count: 0), reason: reason)
    }
  }

  func receive(_ intake: SourceIntake) {
    batch.sources = intake.logs
    for (key, numbers, queue, partition, offset) in intake.received {
      let project = Array(key.project.utf8)
      let record = FrameRecord(
        offset: offset, createdMilliseconds: batch.now, ordinal: 0, timeToLiveSeconds: 0, eventHash: 0,
        coverageIndex: coverageIndex(of: partition, at: offset), kind: .source)
      let body = SourceRecord.encode(key, numbers) + queue.suffix
      project.withUnsafeBytes { project in
        body.withUnsafeBytes { _ = record.append(key: project, body: $0, to: batch.buffer(of: 0)) }
      }
      batch.lanes[0].recordCount += 1
    }
    for lane in batch.lanes.indices where !batch.lanes[lane].numbers.isEmpty { writeNumbers(of: lane, intake) }
  }

  func number(_ mark: SourceIntake.Mark, keyBytes: Int, timeToLive: Int32) {
    let lane = Lane.lane(forTimeToLive: timeToLive)
    // One that had expired on arrival is not there.
    guard let last = batch.lanes[lane].entries.last, last.entry.offset == mark.offset,
      groups[Int(last.group)].partition == mark.partition
    else { return }
    let start = Int(last.entry.position) - keyBytes - FrameRecord.fixedBytes
    batch.lanes[lane].numbers.append(
      NumberRecord.Entry(
        arrival: mark.arrival, sequence: mark.sequence, start: UInt32(truncatingIfNeeded: start), seal: mark.seal))
  }

  /// Behind the actions of a lane, in the same frame: they go when the actions go.
  private func writeNumbers(of lane: Int, _ intake: SourceIntake) {
    let buffer = batch.buffer(of: lane)
    batch.lanes[lane].numbersStart = buffer.count
    if !intake.seals.isEmpty { writeSeals(of: lane, intake.seals, to: buffer) }
    for (arrival, entries) in Dictionary(grouping: batch.lanes[lane].numbers, by: \.arrival) {
      let entries = entries.sorted { $0.sequence < $1.sequence }
      guard let first = entries.first, let last = entries.last, let (key, place) = intake.place(of: arrival) else {
        continue
      }
      let record = FrameRecord(
        offset: place.offset, createdMilliseconds: batch.now, ordinal: 0, timeToLiveSeconds: 0, eventHash: 0,
        coverageIndex: coverageIndex(of: place.partition, at: place.offset), kind: .numbers)
      let body = NumberRecord.encode(key, entries)
      Array(key.project.utf8).withUnsafeBytes { project in
        body.withUnsafeBytes { _ = record.append(key: project, body: $0, to: buffer) }
      }
      batch.lanes[lane].recordCount += 1
      batch.lanes[lane].spans[key] = first.sequence...last.sequence
    }
  }

  /// Before the numbers, where they are found at once.
  private func writeSeals(of lane: Int, _ seals: [ActionSeal], to buffer: GrowingBuffer) {
    let entries = batch.lanes[lane].numbers.compactMap { entry in
      seals.indices.contains(Int(entry.seal))
        ? SealRecord.Entry(start: entry.start, seal: seals[Int(entry.seal)]) : nil
    }
    guard !entries.isEmpty else { return }
    let record = FrameRecord(
      offset: 0, createdMilliseconds: batch.now, ordinal: 0, timeToLiveSeconds: 0, eventHash: 0, coverageIndex: 0,
      kind: .seals)
    SealRecord.encode(entries).withUnsafeBytes { body in
      _ = record.append(key: UnsafeRawBufferPointer(start: nil, count: 0), body: body, to: buffer)
    }
    batch.lanes[lane].recordCount += 1
  }

  func reject(partition: Int32, offset: Int64, key: UnsafeRawBufferPointer, reason: String) {
    guard let coverage = claim(partition: partition, offset: offset) else {
      return countDuplicate(of: key, partition: partition)
    }
    var ordinal: UInt64 = 0
    if key.count > 0 {
      let group = group(of: key, partition: partition)
      remember(group)
      counters[Int(group)].received += 1
      counters[Int(group)].rejected += 1
      counters[Int(group)].lastOffset = offset
      ordinal = counters[Int(group)].received
      counters[Int(group)].unindexed.raise(to: .init(offset: offset, ordinal: ordinal))
      batch.rejections.append((group, ordinal, reason))
    }
    append(
      FrameRecord(
        offset: offset, createdMilliseconds: batch.now, ordinal: ordinal, timeToLiveSeconds: 0, eventHash: 0,
        coverageIndex: coverage, kind: .rejected), key: key, reason: reason)
    batch.rejected[reason, default: 0] += 1
    batch.outcome.rejected += 1
  }

  func recordHole(partition: Int32, to end: Int64, reason: Hole.Reason) {
    let index = coverageIndex(of: partition, at: standings[partition]?.next ?? end)
    let start = batch.coverage[index].next
    guard start < end else { return }
    batch.coverage[index].next = end
    batch.coverage[index].lastRecord = .unknown
    append(
      FrameRecord(
        offset: start, createdMilliseconds: batch.now, ordinal: UInt64(end), timeToLiveSeconds: 0, eventHash: 0,
        coverageIndex: index, kind: .hole), key: UnsafeRawBufferPointer(start: nil, count: 0),
      reason: reason.rawValue)
    batch.holes.append(
      Hole(partition: partition, from: start, to: end, reason: reason, recordedMilliseconds: batch.now))
  }

  private func append(_ record: FrameRecord, key: UnsafeRawBufferPointer, reason: String) {
    var text = reason
    text.withUTF8 { reason in
      _ = record.append(key: key, body: UnsafeRawBufferPointer(reason), to: batch.buffer(of: 0))
    }
    batch.lanes[0].recordCount += 1
  }
}
