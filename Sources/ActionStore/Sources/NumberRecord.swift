/// Which actions of a frame have which numbers of one log, as a record of the frame: begins as a ``SourceRecord``; then
/// of each action, ascending by number, its number (8) and where among the frame's records its own begins (4). The key
/// is the project.
///
/// They lie in the frame of the actions, and behind them: a segment can be asked by itself, and they go when it goes.
enum NumberRecord {
  struct Entry {
    /// Which log of the batch.
    var arrival = 0
    var sequence: Int64
    /// Where its record begins, in bytes from the first record of the frame.
    var start: UInt32
    /// Which proof of the batch; below zero: it came without.
    var seal: Int32 = -1
  }

  static let entryBytes = 12

  static func encode(_ key: SourceLogKey, _ entries: [Entry]) -> [UInt8] {
    var bytes = SourceRecord.name(key)
    let head = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: entries.count * entryBytes))
    bytes.withUnsafeMutableBytes { bytes in
      for (index, entry) in entries.enumerated() {
        bytes.store(entry.sequence, at: head + index * entryBytes)
        bytes.store(entry.start, at: head + index * entryBytes + 8)
      }
    }
    return bytes
  }
}

/// The numbers of one log in one frame, where they lie.
struct NumberBlock {
  let key: SourceLogKey
  /// Number and start of each.
  private let entries: UnsafeRawBufferPointer

  var count: Int { entries.count / NumberRecord.entryBytes }

  subscript(index: Int) -> NumberRecord.Entry {
    let at = index * NumberRecord.entryBytes
    return NumberRecord.Entry(sequence: entries.integer(at: at), start: entries.integer(at: at + 8))
  }

  /// Nil for an empty one.
  var span: ClosedRange<Int64>? {
    guard count > 0 else { return nil }
    let (first, last) = (self[0].sequence, self[count - 1].sequence)
    return first <= last ? first...last : nil
  }

  /// The first of `number` or more.
  func firstIndex(notBelow number: Int64) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle].sequence < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The blocks of a frame that is whole; nothing of one that this format did not write.
  static func forEach(in bytes: UnsafeRawBufferPointer, frameAt start: Int, _ visit: (NumberBlock) -> Void) {
    guard let frame = NumberedFrame(bytes, at: start), frame.numbersStart > 0 else { return }
    var position = frame.recordsStart + frame.numbersStart
    while position < frame.end {
      guard
        let next = FrameRecord.read(bytes, at: position, end: frame.end, coverageCount: frame.coverageCount)
      else { return }
      let body = UnsafeRawBufferPointer(rebasing: bytes[next.bodyPosition..<(next.bodyPosition + next.bodyBytes)])
      if next.record.kind == .numbers, let (key, end) = SourceRecord.key(project: next.key, body) {
        visit(NumberBlock(key: key, entries: UnsafeRawBufferPointer(rebasing: body[end...])))
      }
      position = next.bodyPosition + next.bodyBytes
    }
  }
}

/// Where the parts of a frame lie. Its checksum was right, or is still to be looked at.
struct NumberedFrame {
  let start: Int
  let end: Int
  let coverageCount: Int
  let numbersStart: Int

  var recordsStart: Int { start + FrameHeader.fixedBytes + coverageCount * FrameHeader.coverageBytes }

  /// Nil when it does not lie in `bytes` whole.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard start >= 0, start <= bytes.count - FrameHeader.fixedBytes else { return nil }
    end = start + FrameHeader.fixedBytes + Int(bytes.integer(at: start + 4, as: UInt32.self))
    coverageCount = Int(bytes.integer(at: start + 26, as: UInt16.self))
    numbersStart = Int(bytes.integer(at: start + FrameHeader.numbersStartOffset, as: UInt32.self))
    self.start = start
    guard end <= bytes.count, recordsStart + numbersStart <= end else { return nil }
  }

  /// The partition of a record of it.
  func partition(of record: FrameRecord, in bytes: UnsafeRawBufferPointer) -> Int32 {
    bytes.integer(at: start + FrameHeader.fixedBytes + record.coverageIndex * FrameHeader.coverageBytes)
  }
}
