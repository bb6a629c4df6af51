/// What a segment file holds, found by reading all of it and checking every checksum.
struct SegmentScan {
  struct FramePlace {
    var position: Int
    var end: Int
    var header: FrameHeader
  }

  enum Tail: Equatable {
    /// The file ends with its last frame.
    case clean
    /// Bytes of a frame whose writing was cut short.
    case torn
    /// Something that was whole once is not: bits have changed, or blocks are missing.
    case damaged
  }

  var number: UInt64
  /// Nil when the header is torn or damaged: nothing of the file can be used.
  var header: SegmentHeader?
  var frames: [FramePlace] = []
  var tail = Tail.clean
  var fileBytes: Int

  init(number: UInt64, header: SegmentHeader?, fileBytes: Int) {
    self.number = number
    self.header = header
    self.fileBytes = fileBytes
  }

  /// Of a segment that is not read: its frames are all in the catalog's counts.
  init(_ summary: IndexFile.Summary) {
    number = summary.segment
    fileBytes = summary.segmentBytes
    header = SegmentHeader(
      number: summary.segment, storeIdentity: StoreIdentity(high: 0, low: 0), lane: summary.lane,
      createdMilliseconds: 0, firstBatch: summary.firstBatch, durableBatch: 0, standings: [:])
  }

  /// Reads `bytes`. Batches up to `durableBatch` were on disk once: a bad frame of one of them is damage, not a torn
  /// write.
  /// - Parameter header: its header; nil when that is torn or damaged
  static func scan(
    number: UInt64, header: SegmentHeader?, bytes: UnsafeRawBufferPointer, durableBatch: UInt64
  ) -> SegmentScan {
    var scan = SegmentScan(number: number, header: header, fileBytes: bytes.count)
    guard let header = scan.header else {
      // A header is written first and in one piece: after a kill it is whole or the file is shorter than it.
      scan.tail = bytes.count > SegmentHeader.fixedBytes && bytes.contains { $0 != 0 } ? .damaged : .torn
      return scan
    }
    var position = header.byteCount
    var previous: UInt64 = 0
    while position < bytes.count {
      guard let frame = FrameHeader.decode(bytes, at: position), frame.batch > previous, frame.frameCount > 0,
        FrameRecord.forEach(in: bytes, frameAt: position, header: frame, { _, _, _, _ in })
      else {
        scan.tail = judgeTail(bytes, at: position, durableBatch: durableBatch)
        break
      }
      let end = position + FrameHeader.fixedBytes + frame.payloadBytes
      scan.frames.append(FramePlace(position: position, end: end, header: frame))
      previous = frame.batch
      position = end
    }
    return scan
  }

  private static func judgeTail(_ bytes: UnsafeRawBufferPointer, at position: Int, durableBatch: UInt64) -> Tail {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
    guard rest.count >= FrameHeader.fixedBytes else { return .torn }
    guard rest.integer(at: 0) == FrameHeader.magic else {
      // A file system may leave zeros where a write did not arrive before the power went.
      return rest.allSatisfy { $0 == 0 } ? .torn : .damaged
    }
    if rest.integer(at: 16, as: UInt64.self) <= durableBatch { return .damaged }
    let next = FrameHeader.fixedBytes + Int(rest.integer(at: 4, as: UInt32.self))
    return FrameHeader.decode(rest, at: next) != nil ? .damaged : .torn
  }

  /// Removes the frames of `batch` and later; what remains of the file in bytes.
  mutating func cut(from batch: UInt64) -> Int {
    frames.removeAll { $0.header.batch >= batch }
    return wholeBytes
  }

  /// How far the file is whole.
  var wholeBytes: Int { frames.last?.end ?? header?.byteCount ?? 0 }
}
