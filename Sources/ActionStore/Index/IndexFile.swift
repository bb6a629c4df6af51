/// The index of a sealed segment: a file that is mapped, not loaded. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | `STRDIDX\n` |
/// | 8 | 4 | format version, 2; an index of version 1 is built anew |
/// | 12 | 4 | CRC-32C of everything from offset 16 to the end of the keys: the front |
/// | 16 | 8 | number of the segment |
/// | 24 | 8 | bytes of the segment |
/// | 32 | 4 | groups |
/// | 36 | 4 | entries |
/// | 40 | 8 | bytes of all keys, rounded up to a multiple of 8 |
/// | 48 | 8 | number of the first batch that may have a frame in the segment |
/// | 56 | 8 | number of the last batch that has |
/// | 64 | 8 | when the last action expires, milliseconds since 1970 |
/// | 72 | 4 | lane |
/// | 76 | 4 | entries of the coverage table |
/// | 80 | 4 | frames |
/// | 84 | 4 | zero |
/// | 88 | 24 each | coverage of the whole segment: partition (4), zero (4), first offset (8), next offset (8) |
/// | … | 40 each | groups, ascending by (hash of the key, key, partition) |
/// | … | | keys |
/// | … | 40 each | entries, by group, ascending by offset, see ``IndexEntry`` |
/// | … | 4 each | where each frame of the segment begins, ascending |
///
/// A group: hash of the key (8), where its key begins (4), bytes of the key (2), 1 if expiry ascends (2), partition
/// (4), first entry (4), entries (4), CRC-32C of the entries (4), latest expiry in milliseconds (8).
///
/// The front says what a start has to know. Entries are checked when they are first read; a place in the list of frames
/// is right when a whole frame begins there.
enum IndexFile {
  static let magic: UInt64 = 0x0A_58_44_49_44_52_54_53
  static let version: UInt32 = 2
  static let headerBytes = 88
  static let coverageBytes = 24
  static let groupBytes = 40
  static let entryBytes = 40
  static let frameBytes = 4

  /// What a start has to know of a segment without reading it.
  struct Summary {
    var segment: UInt64
    var segmentBytes: Int
    var lane: Int
    var firstBatch: UInt64
    var lastBatch: UInt64
    var latestExpiry: Int64
    var coverage: [Int32: Range<Int64>]
  }

  static func encode(
    _ summary: Summary, frames: [UInt32], lists: [(group: Group, list: OpenIndex.List)]
  ) -> [UInt8] {
    let sorted = lists.sorted { a, b in
      if a.group.key.hash != b.group.key.hash { return a.group.key.hash < b.group.key.hash }
      if a.group.key.bytes != b.group.key.bytes {
        return a.group.key.bytes.lexicographicallyPrecedes(b.group.key.bytes)
      }
      return a.group.partition < b.group.partition
    }
    let keyBytes = (sorted.reduce(0) { $0 + $1.group.key.bytes.count } + 7) & ~7
    let entryCount = sorted.reduce(0) { $0 + $1.list.entries.count }
    let groupsStart = headerBytes + summary.coverage.count * coverageBytes
    let keysStart = groupsStart + sorted.count * groupBytes
    let entriesStart = keysStart + keyBytes
    let framesStart = entriesStart + entryCount * entryBytes
    var file = [UInt8](repeating: 0, count: framesStart + frames.count * frameBytes)
    file.withUnsafeMutableBytes { bytes in
      bytes.store(magic, at: 0)
      bytes.store(version, at: 8)
      bytes.store(UInt32(truncatingIfNeeded: sorted.count), at: 32)
      bytes.store(UInt32(truncatingIfNeeded: entryCount), at: 36)
      bytes.store(UInt64(keyBytes), at: 40)
      bytes.store(UInt32(truncatingIfNeeded: frames.count), at: 80)
      encode(summary, to: bytes)
      var keyPosition = 0
      var firstEntry = 0
      for (index, item) in sorted.enumerated() {
        let at = groupsStart + index * groupBytes
        let key = item.group.key
        bytes.store(key.hash, at: at)
        bytes.store(UInt32(truncatingIfNeeded: keyPosition), at: at + 8)
        bytes.store(UInt16(truncatingIfNeeded: key.bytes.count), at: at + 12)
        bytes.store(UInt16(item.list.isExpiryAscending ? 1 : 0), at: at + 14)
        bytes.store(item.group.partition, at: at + 16)
        bytes.store(UInt32(truncatingIfNeeded: firstEntry), at: at + 20)
        bytes.store(UInt32(truncatingIfNeeded: item.list.entries.count), at: at + 24)
        bytes.store(item.list.entries.reduce(0) { max($0, $1.expiresMilliseconds) }, at: at + 32)
        key.bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: bytes[(keysStart + keyPosition)...]).copyMemory(from: $0)
        }
        item.list.entries.withUnsafeBytes {
          bytes.store(CRC32C.checksum($0), at: at + 28)
          UnsafeMutableRawBufferPointer(rebasing: bytes[(entriesStart + firstEntry * entryBytes)...])
            .copyMemory(from: $0)
        }
        keyPosition += key.bytes.count
        firstEntry += item.list.entries.count
      }
      for (index, frame) in frames.enumerated() { bytes.store(frame, at: framesStart + index * frameBytes) }
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[16..<entriesStart])), at: 12)
    }
    return file
  }

  private static func encode(_ summary: Summary, to bytes: UnsafeMutableRawBufferPointer) {
    bytes.store(summary.segment, at: 16)
    bytes.store(UInt64(summary.segmentBytes), at: 24)
    bytes.store(summary.firstBatch, at: 48)
    bytes.store(summary.lastBatch, at: 56)
    bytes.store(summary.latestExpiry, at: 64)
    bytes.store(UInt32(truncatingIfNeeded: summary.lane), at: 72)
    bytes.store(UInt32(truncatingIfNeeded: summary.coverage.count), at: 76)
    var position = headerBytes
    for (partition, range) in summary.coverage.sorted(by: { $0.key < $1.key }) {
      bytes.store(partition, at: position)
      bytes.store(range.lowerBound, at: position + 8)
      bytes.store(range.upperBound, at: position + 16)
      position += coverageBytes
    }
  }

  /// Nil when a number is none that this format writes. `bytes` has room for the header and the coverage table.
  static func summary(of bytes: UnsafeRawBufferPointer, coverageCount: Int) -> Summary? {
    let firstBatch: UInt64 = bytes.integer(at: 48)
    let lastBatch: UInt64 = bytes.integer(at: 56)
    let lane = Int(bytes.integer(at: 72, as: UInt32.self))
    let latestExpiry: Int64 = bytes.integer(at: 64)
    guard StoredNumbers.isOrdinal(firstBatch), StoredNumbers.isOrdinal(lastBatch), lane < Lane.count,
      latestExpiry == .min || StoredNumbers.isTime(latestExpiry),
      let segmentBytes = Int(exactly: bytes.integer(at: 24, as: UInt64.self))
    else { return nil }
    var coverage: [Int32: Range<Int64>] = [:]
    coverage.reserveCapacity(coverageCount)
    for index in 0..<coverageCount {
      let at = headerBytes + index * coverageBytes
      let first: Int64 = bytes.integer(at: at + 8)
      let next: Int64 = bytes.integer(at: at + 16)
      guard StoredNumbers.isOffset(first), StoredNumbers.isOffset(next), first <= next else { return nil }
      coverage[bytes.integer(at: at)] = first..<next
    }
    return Summary(
      segment: bytes.integer(at: 16), segmentBytes: segmentBytes, lane: lane, firstBatch: firstBatch,
      lastBatch: lastBatch, latestExpiry: latestExpiry, coverage: coverage)
  }
}
