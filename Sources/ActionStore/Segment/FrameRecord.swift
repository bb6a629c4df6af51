/// One record inside a frame. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | Kafka offset |
/// | 8 | 8 | created, milliseconds since 1970 |
/// | 16 | 8 | ordinal: how many records of this queue and partition the store had read, this one included; of a hole, its end |
/// | 24 | 4 | bytes of the body |
/// | 28 | 4 | TTL, seconds |
/// | 32 | 4 | hash of the event's name; zero for other kinds |
/// | 36 | 2 | which entry of the coverage table names the partition |
/// | 38 | 2 | bytes of the key |
/// | 40 | 2 | kind, see ``Kind`` |
/// | 42 | 2 | zero |
/// | 44 | | key, then body; of a rejected record and of a hole the body is the reason |
struct FrameRecord {
  static let fixedBytes = 44

  enum Kind: UInt16 {
    /// An action, served until it expires.
    case action = 0
    /// An action whose TTL had passed when it was read from the topic: counted, not kept.
    case expiredOnArrival = 1
    /// A record that broke the contract and went to the dead-letter topic: counted, not kept. Its key is empty, and
    /// its ordinal zero, when it names no queue.
    case rejected = 2
    /// Offsets, from the record's to below its ordinal, that Kafka no longer had when the store came to them.
    case hole = 3
    /// Sequence numbers that a source's log received with this batch: see ``SourceRecord``. Its key is the project, and
    /// its ordinal zero.
    case source = 4
    /// Which actions of this frame have which numbers: see ``NumberRecord``. Its key is the project, and its ordinal
    /// zero.
    case numbers = 5
    /// What proves actions of this frame: see ``SealRecord``. Its key is empty, and its ordinal zero.
    case seals = 6

    /// Records of this batch that their queues did not want, in number as the ordinal says, for one reason, which is the
    /// body. Its key is empty.
    case dropped = 8

    /// Whether its key names a queue, and its ordinal counts that queue's records.
    var isOfQueue: Bool { self != .source && self != .numbers && self != .seals && self != .dropped }
  }

  var offset: Int64
  var createdMilliseconds: Int64
  var ordinal: UInt64
  var timeToLiveSeconds: Int32
  var eventHash: UInt32
  var coverageIndex: Int
  var kind: Kind

  /// Writes the record behind those already in `buffer` and returns where in it the body begins.
  @inline(__always)
  func append(key: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, to buffer: GrowingBuffer) -> Int {
    let start = buffer.count
    let room = buffer.extend(by: Self.fixedBytes + key.count + body.count)
    room.store(offset, at: 0)
    room.store(createdMilliseconds, at: 8)
    room.store(ordinal, at: 16)
    room.store(UInt32(truncatingIfNeeded: body.count), at: 24)
    room.store(timeToLiveSeconds, at: 28)
    room.store(eventHash, at: 32)
    room.store(UInt16(truncatingIfNeeded: coverageIndex), at: 36)
    room.store(UInt16(truncatingIfNeeded: key.count), at: 38)
    room.store(kind.rawValue, at: 40)
    room.store(UInt16(0), at: 42)
    UnsafeMutableRawBufferPointer(rebasing: room[Self.fixedBytes...]).copyMemory(from: key)
    UnsafeMutableRawBufferPointer(rebasing: room[(Self.fixedBytes + key.count)...]).copyMemory(from: body)
    return start + Self.fixedBytes + key.count
  }

  /// Whether its numbers are such as this format writes: what reckons with them later need not fear to overflow.
  private var isPlausible: Bool {
    StoredNumbers.areOffset(offset, ordinal: ordinal) && StoredNumbers.isTime(createdMilliseconds)
      && (kind != .action || ordinal > 0)
  }

  /// Calls `visit` for each record of a frame whose checksum was right. Returns false when the records do not fill
  /// the frame exactly, or a proof in it is none: then it was not written by this format, whatever its checksum says.
  static func forEach(
    in bytes: UnsafeRawBufferPointer, frameAt start: Int, header: FrameHeader,
    _ visit: (FrameRecord, _ key: UnsafeRawBufferPointer, _ bodyPosition: Int, _ bodyBytes: Int) -> Void
  ) -> Bool {
    var position = start + FrameHeader.fixedBytes + header.coverage.count * FrameHeader.coverageBytes
    let end = start + FrameHeader.fixedBytes + header.payloadBytes
    for _ in 0..<header.recordCount {
      guard let next = read(bytes, at: position, end: end, coverageCount: header.coverage.count) else { return false }
      if next.record.kind == .seals {
        let body = UnsafeRawBufferPointer(rebasing: bytes[next.bodyPosition..<(next.bodyPosition + next.bodyBytes)])
        guard SealBlock(body) != nil else { return false }
      }
      visit(next.record, next.key, next.bodyPosition, next.bodyBytes)
      position = next.bodyPosition + next.bodyBytes
    }
    return position == end
  }

  /// The record at `position`; nil when this format did not write it, or it does not end before `end`.
  @inline(__always)
  static func read(
    _ bytes: UnsafeRawBufferPointer, at position: Int, end: Int, coverageCount: Int
  ) -> (record: FrameRecord, key: UnsafeRawBufferPointer, bodyPosition: Int, bodyBytes: Int)? {
    guard position + fixedBytes <= end else { return nil }
    let bodyBytes = Int(bytes.integer(at: position + 24, as: UInt32.self))
    let keyBytes = Int(bytes.integer(at: position + 38, as: UInt16.self))
    let coverageIndex = Int(bytes.integer(at: position + 36, as: UInt16.self))
    let keyStart = position + fixedBytes
    guard keyStart + keyBytes + bodyBytes <= end, coverageIndex < coverageCount,
      let kind = Kind(rawValue: bytes.integer(at: position + 40))
    else { return nil }
    let record = FrameRecord(
      offset: bytes.integer(at: position), createdMilliseconds: bytes.integer(at: position + 8),
      ordinal: bytes.integer(at: position + 16), timeToLiveSeconds: bytes.integer(at: position + 28),
      eventHash: bytes.integer(at: position + 32), coverageIndex: coverageIndex, kind: kind)
    guard record.isPlausible else { return nil }
    return (
      record, UnsafeRawBufferPointer(rebasing: bytes[keyStart..<(keyStart + keyBytes)]), keyStart + keyBytes, bodyBytes
    )
  }
}

/// Limits of the numbers in files, far beyond any that is met and far from where arithmetic ends.
enum StoredNumbers {
  static let max: Int64 = 1 << 61

  static func isOffset(_ offset: Int64) -> Bool { offset >= 0 && offset <= max }
  static func isOrdinal(_ ordinal: UInt64) -> Bool { ordinal <= UInt64(max) }
  static func areOffset(_ offset: Int64, ordinal: UInt64) -> Bool { isOffset(offset) && isOrdinal(ordinal) }
  static func isTime(_ milliseconds: Int64) -> Bool { milliseconds >= -max && milliseconds <= max }
}
