/// How far a partition is stored.
package struct Standing: Sendable, Equatable {
  /// The first offset that is not stored.
  package var next: Int64
  /// Of the last record before it, to know the partition again by.
  package var lastRecord: RecordFingerprint

  package init(next: Int64, lastRecord: RecordFingerprint) {
    self.next = next
    self.lastRecord = lastRecord
  }

  /// Whatever is further; of two that are equally far the one that knows its last record.
  mutating func advance(to other: Standing) {
    if other.next > next || (other.next == next && !lastRecord.isKnown) { self = other }
  }
}

/// A record's fingerprint: CRC-32C over its offset and timestamp (8 bytes each, little-endian), key and value.
///
/// An offset alone does not tell a record: a broker that lost the end of its log gives the same offsets again to other
/// records.
package struct RecordFingerprint: Sendable, Equatable {
  let value: UInt32

  init(value: UInt32) { self.value = value }

  /// Nothing to compare with: no record was read, or by a version that took no fingerprints.
  package static let unknown = RecordFingerprint(value: 0)

  package var isKnown: Bool { value != 0 }

  /// - Parameter timestampMilliseconds: as Kafka has it; nil when it keeps none
  package init(
    offset: Int64, timestampMilliseconds: Int64?, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) {
    var crc = CRC32C()
    withUnsafeBytes(of: offset.littleEndian) { crc.update($0) }
    withUnsafeBytes(of: (timestampMilliseconds ?? -1).littleEndian) { crc.update($0) }
    if let key { crc.update(key) }
    if let value { crc.update(value) }
    // Zero stands for none.
    self.value = max(1, crc.value)
  }
}
