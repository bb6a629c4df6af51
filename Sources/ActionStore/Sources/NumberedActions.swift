package import AuditActions

/// An action with the number its source gave it.
package struct NumberedAction: Sendable {
  package let sequence: Int64
  package let queue: QueueAddress
  /// Its body lies in the mapped segment.
  package let action: StoredAction
  /// What its source gave it to prove it by; nil where it gave nothing, or nothing that could be kept.
  package let seal: ActionSeal?
}

/// Some of a log's actions, ascending by number.
package struct NumberedPage: Sendable {
  package var actions: [NumberedAction] = []
  /// Up to which number everything was looked at; what is not among the actions has expired, is over what its
  /// queue keeps, or never came.
  package var reached: Int64
  /// Whether nothing is left above it.
  package var isLast: Bool
}

/// Finds actions by their numbers, in what is stored now.
///
/// The segments are asked in the order of the lowest number they hold of the log, until none can hold a lower one than
/// those found: for a log that goes up with time, that is one or two of them. Of these the numbers of every frame are
/// looked at: 12 bytes an action, in pieces a batch each.
struct NumberedReader {
  private struct Found {
    var sequence: Int64
    var start: Int
    var frame: Int
    var segment: Int
  }

  /// The proofs of the frame that was looked at last: the next action mostly lies in the same.
  private struct FrameSeals {
    var segment = -1
    var frame = -1
    var block: SealBlock?
  }

  private struct Part {
    var segment: Segment
    var bytes: UnsafeRawBufferPointer
    var span: ClosedRange<Int64>
    var frames: [UInt32]
  }

  let snapshot: StoreSnapshot
  let key: SourceLogKey
  let now: Int64

  /// - Parameters:
  ///   - ranges: of the numbers that are asked for.
  ///   - after: only numbers above it.
  ///   - bytesMax: of the bodies and proofs; at least one action is given.
  /// - Throws: `damaged` when something on the way is not what was written.
  func page(
    _ ranges: SequenceRanges, after: Int64, limit: Int, bytesMax: Int
  ) throws(StoreError) -> NumberedPage {
    let wanted = after > 0 ? ranges.subtracting(SequenceRanges(1...after)) : ranges
    guard let lowest = wanted.lowest, let highest = wanted.highest else {
      return NumberedPage(reached: after, isLast: true)
    }
    var parts: [Part] = []
    for segment in snapshot.lanes.joined() {
      let bytes = segment.readableBytes
      guard let found = segment.numbers.find(key, in: segment.index, bytes, check: segment.check),
        found.span.lowerBound <= highest, found.span.upperBound >= lowest
      else { continue }
      parts.append(Part(segment: segment, bytes: bytes, span: found.span, frames: found.frames))
    }
    parts.sort { $0.span.lowerBound < $1.span.lowerBound }
    var found: [Found] = []
    // The highest number that can still be among those given.
    var last = highest
    for (index, part) in parts.enumerated() where part.span.lowerBound <= last {
      collect(part, at: index, wanted, &found, &last, limit: limit)
    }
    Self.keepLowest(&found, &last, limit: limit)
    try checkHealth()
    return try read(found, parts, limit: limit, bytesMax: bytesMax, highest: highest, after: after)
  }

  private func collect(
    _ part: Part, at index: Int, _ wanted: SequenceRanges, _ found: inout [Found], _ last: inout Int64, limit: Int
  ) {
    for frame in part.frames {
      NumberBlock.forEach(in: part.bytes, frameAt: Int(frame)) { block in
        guard block.key == key, let span = block.span, span.lowerBound <= last else { return }
        for range in wanted.ranges(within: span) {
          var next = block.firstIndex(notBelow: range.lowerBound)
          while next < block.count {
            let entry = block[next]
            guard entry.sequence <= min(range.upperBound, last) else { break }
            found.append(
              Found(sequence: entry.sequence, start: Int(entry.start), frame: Int(frame), segment: index))
            next += 1
            if found.count >= max(1_024, limit * 4) { Self.keepLowest(&found, &last, limit: limit) }
          }
        }
      }
    }
  }

  /// Leaves the lowest numbers, each once, and one more than are asked for, to know that there are more.
  private static func keepLowest(_ found: inout [Found], _ last: inout Int64, limit: Int) {
    found.sort { $0.sequence < $1.sequence }
    var kept = 0
    for index in found.indices where index == 0 || found[index].sequence != found[kept - 1].sequence {
      found[kept] = found[index]
      kept += 1
      if kept > limit { break }
    }
    found.removeLast(found.count - kept)
    if kept > limit, let end = found.last?.sequence { last = min(last, end) }
  }

  private func read(
    _ found: [Found], _ parts: [Part], limit: Int, bytesMax: Int, highest: Int64, after: Int64
  ) throws(StoreError) -> NumberedPage {
    var page = NumberedPage(reached: highest, isLast: found.count <= limit)
    if found.count > limit { page.reached = found[limit - 1].sequence }
    var bytes = 0
    var seals = FrameSeals()
    for item in found.prefix(limit) {
      guard let action = action(item, parts[item.segment], &seals) else { continue }
      bytes += action.action.entry.bodyCount + (action.seal?.byteCount ?? 0)
      guard page.actions.isEmpty || bytes <= bytesMax else {
        page.reached = page.actions.last?.sequence ?? after
        page.isLast = false
        break
      }
      page.actions.append(action)
    }
    try checkHealth()
    return page
  }

  /// Nil for one that has expired, or is over what its queue keeps.
  private func action(_ item: Found, _ part: Part, _ seals: inout FrameSeals) -> NumberedAction? {
    guard let frame = NumberedFrame(part.bytes, at: item.frame) else { return nil }
    part.segment.check?.check(body: item.frame + FrameHeader.fixedBytes, count: 0)
    let position = frame.recordsStart + item.start
    guard let next = FrameRecord.read(part.bytes, at: position, end: frame.end, coverageCount: frame.coverageCount),
      next.record.kind == .action, let queue = try? QueueAddress(key: next.key), queue.project == key.project
    else { return nil }
    let entry = IndexEntry(
      offset: next.record.offset, createdMilliseconds: next.record.createdMilliseconds, ordinal: next.record.ordinal,
      position: UInt32(truncatingIfNeeded: next.bodyPosition), bodyBytes: UInt32(truncatingIfNeeded: next.bodyBytes),
      timeToLiveSeconds: next.record.timeToLiveSeconds, eventHash: next.record.eventHash)
    let partition = frame.partition(of: next.record, in: part.bytes)
    guard entry.expiresMilliseconds > now,
      entry.offset > snapshot.directory.floor(of: queue, partition: partition).offset
    else { return nil }
    if seals.segment != item.segment || seals.frame != item.frame {
      let read = SealBlock.read(in: part.bytes, frame)
      // Its checksum may be right all the same: then nobody else would find it.
      if read.isDamaged { snapshot.health.noteDamage() }
      seals = FrameSeals(segment: item.segment, frame: item.frame, block: read.block)
    }
    return NumberedAction(
      sequence: item.sequence, queue: queue, action: StoredAction(entry, partition: partition, segment: part.segment),
      seal: seals.block?[UInt32(truncatingIfNeeded: item.start)])
  }

  private func checkHealth() throws(StoreError) {
    guard !snapshot.health.isDamaged else {
      throw StoreError(.damaged, "a damaged file was found, and is to be set aside")
    }
  }
}

extension Segment {
  /// As much of the file as there may be. Beyond what was written nothing is looked at: a frame is known by what wrote
  /// it, or by the index.
  fileprivate var readableBytes: UnsafeRawBufferPointer {
    switch index {
    case .open: UnsafeRawBufferPointer(start: mapping.address, count: mapping.capacity)
    case .sealed(let index): UnsafeRawBufferPointer(start: mapping.address, count: index.summary.segmentBytes)
    }
  }
}

extension SequenceRanges {
  /// The ranges that overlap a span.
  fileprivate func ranges(within span: ClosedRange<Int64>) -> ArraySlice<ClosedRange<Int64>> {
    func firstIndex(_ isBehind: (ClosedRange<Int64>) -> Bool) -> Int {
      var low = 0
      var high = ranges.count
      while low < high {
        let middle = (low + high) / 2
        if isBehind(ranges[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    return ranges[firstIndex { $0.upperBound >= span.lowerBound }..<firstIndex { $0.lowerBound > span.upperBound }]
  }
}
