/// One batch's records of one lane: the unit that is written, checked and cut. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 4 | `FRM1` |
/// | 4 | 4 | bytes after the fixed part |
/// | 8 | 4 | CRC-32C of everything from offset 12 to the end of the frame |
/// | 12 | 4 | number of records |
/// | 16 | 8 | number of the batch, ascending by one |
/// | 24 | 2 | frames the batch has, over all lanes |
/// | 26 | 2 | entries of the coverage table |
/// | 28 | 4 | where among the records those of the kinds `seals` (one at most) and `numbers` begin, in bytes; zero when there is none |
/// | 32 | 8 | stored, milliseconds since 1970 |
/// | 40 | 24 each | coverage: partition (4), fingerprint of the last record before the next offset (4, see ``RecordFingerprint``), first offset (8), next offset (8) of the whole batch |
/// | … | | records, see ``FrameRecord`` |
///
/// The coverage travels with the records, so actions and progress are one write. It spans every offset the batch
/// moved past: records of other lanes, transaction markers, dead-lettered records.
struct FrameHeader: Equatable {
  static let magic: UInt32 = 0x314D_5246
  static let fixedBytes = 40
  static let coverageBytes = 24
  /// Where in a frame ``numbersStart`` stands.
  static let numbersStartOffset = 28

  var payloadBytes: Int
  var recordCount: Int
  var batch: UInt64
  var frameCount: Int
  var storedMilliseconds: Int64
  var coverage: [Coverage]
  /// Where among the records those that prove and number others begin, see ``SealRecord`` and ``NumberRecord``; 0 when
  /// there is none.
  var numbersStart = 0

  /// What a batch covers of one partition: `first ..< next`.
  struct Coverage: Equatable, Sendable {
    var partition: Int32
    var first: Int64
    var next: Int64
    var lastRecord = RecordFingerprint.unknown
  }

  /// The fixed part and the coverage table, with the checksum over these and `records`.
  static func encode(
    batch: UInt64, frameCount: Int, recordCount: Int, storedMilliseconds: Int64, coverage: [Coverage],
    numbersStart: Int = 0, records: UnsafeRawBufferPointer
  ) -> [UInt8] {
    let headBytes = fixedBytes + coverage.count * coverageBytes
    var head = [UInt8](repeating: 0, count: headBytes)
    head.withUnsafeMutableBytes { bytes in
      bytes.store(magic, at: 0)
      bytes.store(UInt32(truncatingIfNeeded: headBytes - fixedBytes + records.count), at: 4)
      bytes.store(UInt32(truncatingIfNeeded: recordCount), at: 12)
      bytes.store(batch, at: 16)
      bytes.store(UInt16(truncatingIfNeeded: frameCount), at: 24)
      bytes.store(UInt16(truncatingIfNeeded: coverage.count), at: 26)
      bytes.store(UInt32(truncatingIfNeeded: numbersStart), at: numbersStartOffset)
      bytes.store(storedMilliseconds, at: 32)
      var position = fixedBytes
      for part in coverage {
        bytes.store(part.partition, at: position)
        bytes.store(part.lastRecord.value, at: position + 4)
        bytes.store(part.first, at: position + 8)
        bytes.store(part.next, at: position + 16)
        position += coverageBytes
      }
      var crc = CRC32C()
      crc.update(UnsafeRawBufferPointer(rebasing: bytes[12...]))
      crc.update(records)
      bytes.store(crc.value, at: 8)
    }
    return head
  }

  /// The frame at `start`, or nil when it is torn or damaged.
  static func decode(_ bytes: UnsafeRawBufferPointer, at start: Int) -> FrameHeader? {
    guard start <= bytes.count - fixedBytes, bytes.integer(at: start) == magic else { return nil }
    let payload = Int(bytes.integer(at: start + 4, as: UInt32.self))
    guard payload <= bytes.count - start - fixedBytes else { return nil }
    let coverageCount = Int(bytes.integer(at: start + 26, as: UInt16.self))
    guard coverageCount * coverageBytes <= payload, StoredNumbers.isOrdinal(bytes.integer(at: start + 16)) else {
      return nil
    }
    let checked = UnsafeRawBufferPointer(rebasing: bytes[(start + 12)..<(start + fixedBytes + payload)])
    guard CRC32C.checksum(checked) == bytes.integer(at: start + 8) else { return nil }
    var coverage: [Coverage] = []
    coverage.reserveCapacity(coverageCount)
    for index in 0..<coverageCount {
      let position = start + fixedBytes + index * coverageBytes
      let part = Coverage(
        partition: bytes.integer(at: position), first: bytes.integer(at: position + 8),
        next: bytes.integer(at: position + 16),
        lastRecord: RecordFingerprint(value: bytes.integer(at: position + 4)))
      guard StoredNumbers.isOffset(part.first), StoredNumbers.isOffset(part.next) else { return nil }
      coverage.append(part)
    }
    return FrameHeader(
      payloadBytes: payload, recordCount: Int(bytes.integer(at: start + 12, as: UInt32.self)),
      batch: bytes.integer(at: start + 16), frameCount: Int(bytes.integer(at: start + 24, as: UInt16.self)),
      storedMilliseconds: bytes.integer(at: start + 32), coverage: coverage,
      numbersStart: Int(bytes.integer(at: start + numbersStartOffset, as: UInt32.self)))
  }
}
