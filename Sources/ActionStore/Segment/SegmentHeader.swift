/// The first bytes of a segment file. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | `STRDSEG\n` |
/// | 8 | 4 | format version, 2 |
/// | 12 | 4 | bytes of this header, a multiple of 16 |
/// | 16 | 8 | number of the segment, ascending in the order of creation |
/// | 24 | 16 | identity of the store |
/// | 40 | 4 | lane |
/// | 44 | 4 | entries of the offset table |
/// | 48 | 8 | created, milliseconds since 1970 |
/// | 56 | 8 | number of the first batch that may have a frame in this segment |
/// | 64 | 8 | every batch up to this number is on disk in all lanes |
/// | 72 | 4 | CRC-32C of the header with this field as zero |
/// | 76 | 4 | zero |
/// | 80 | 16 each | offset table: partition (4), fingerprint of the last record (4, see ``RecordFingerprint``), next offset (8), as they were at creation |
struct SegmentHeader: Equatable {
  static let magic: UInt64 = 0x0A_47_45_53_44_52_54_53
  /// 2 since rejected records have keys and ordinals, and holes are records; version 1 is read as well.
  static let version: UInt32 = 2
  static let fixedBytes = 80
  /// More partitions than any topic has; bounds what a damaged header can make us read.
  static let partitionsMax = 1 << 16

  var number: UInt64
  var storeIdentity: StoreIdentity
  var lane: Int
  var createdMilliseconds: Int64
  var firstBatch: UInt64
  var durableBatch: UInt64
  var standings: [Int32: Standing]

  var byteCount: Int { Self.fixedBytes + standings.count * 16 }

  func encoded() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: byteCount)
    result.withUnsafeMutableBytes { bytes in
      bytes.store(Self.magic, at: 0)
      bytes.store(Self.version, at: 8)
      bytes.store(UInt32(truncatingIfNeeded: bytes.count), at: 12)
      bytes.store(number, at: 16)
      bytes.store(storeIdentity.high, at: 24)
      bytes.store(storeIdentity.low, at: 32)
      bytes.store(UInt32(truncatingIfNeeded: lane), at: 40)
      bytes.store(UInt32(truncatingIfNeeded: standings.count), at: 44)
      bytes.store(createdMilliseconds, at: 48)
      bytes.store(firstBatch, at: 56)
      bytes.store(durableBatch, at: 64)
      var position = Self.fixedBytes
      for (partition, standing) in standings.sorted(by: { $0.key < $1.key }) {
        bytes.store(partition, at: position)
        bytes.store(standing.lastRecord.value, at: position + 4)
        bytes.store(standing.next, at: position + 8)
        position += 16
      }
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(bytes)), at: 72)
    }
    return result
  }

  /// Nil when the bytes are no whole, undamaged header. Throws `newerVersion` for one this version cannot read.
  static func decode(_ bytes: UnsafeRawBufferPointer) throws(StoreError) -> SegmentHeader? {
    guard bytes.count >= fixedBytes, bytes.integer(at: 0) == magic else { return nil }
    let version: UInt32 = bytes.integer(at: 8)
    guard version <= Self.version else {
      throw StoreError(
        .newerVersion, "a segment has format version \(version), this Strandline reads up to \(Self.version)")
    }
    let count = Int(bytes.integer(at: 44, as: UInt32.self))
    let byteCount = fixedBytes + count * 16
    let lane = Int(bytes.integer(at: 40, as: UInt32.self))
    guard count <= partitionsMax, bytes.count >= byteCount, bytes.integer(at: 12, as: UInt32.self) == byteCount,
      lane < Lane.count
    else { return nil }
    var crc = CRC32C()
    crc.update(UnsafeRawBufferPointer(rebasing: bytes[..<72]))
    withUnsafeBytes(of: UInt32(0)) { crc.update($0) }
    crc.update(UnsafeRawBufferPointer(rebasing: bytes[76..<byteCount]))
    guard crc.value == bytes.integer(at: 72) else { return nil }
    var standings: [Int32: Standing] = [:]
    for index in 0..<count {
      let position = fixedBytes + index * 16
      standings[bytes.integer(at: position)] = Standing(
        next: bytes.integer(at: position + 8), lastRecord: RecordFingerprint(value: bytes.integer(at: position + 4)))
    }
    guard standings.count == count, standings.values.allSatisfy({ StoredNumbers.isOffset($0.next) }),
      StoredNumbers.isOrdinal(bytes.integer(at: 56)), StoredNumbers.isOrdinal(bytes.integer(at: 64))
    else { return nil }
    return SegmentHeader(
      number: bytes.integer(at: 16),
      storeIdentity: StoreIdentity(high: bytes.integer(at: 24), low: bytes.integer(at: 32)), lane: lane,
      createdMilliseconds: bytes.integer(at: 48), firstBatch: bytes.integer(at: 56),
      durableBatch: bytes.integer(at: 64), standings: standings)
  }
}

/// 128 random bits, made when a data directory is created. Counts of one identity are comparable with each other;
/// those of two are not.
struct StoreIdentity: Hashable, Sendable {
  var high: UInt64
  var low: UInt64

  static func random() -> StoreIdentity { StoreIdentity(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max)) }
}
