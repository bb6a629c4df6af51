/// The index of a sealed segment: a file that is mapped, not loaded. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | `STRDIDX\n` |
/// | 8 | 4 | format version, 1 |
/// | 12 | 4 | CRC-32C of everything from offset 16 |
/// | 16 | 8 | number of the segment |
/// | 24 | 8 | bytes of the segment |
/// | 32 | 4 | groups |
/// | 36 | 4 | entries |
/// | 40 | 8 | bytes of all keys, rounded up to a multiple of 8 |
/// | 48 | 40 each | groups, ascending by (hash of the key, key, partition) |
/// | … | | keys |
/// | … | 40 each | entries, by group, ascending by offset, see ``IndexEntry`` |
///
/// A group: hash of the key (8), where its key begins (4), bytes of the key (2), 1 if expiry ascends (2), partition
/// (4), first entry (4), entries (4), zero (4), latest expiry in milliseconds (8).
enum IndexFile {
  static let magic: UInt64 = 0x0A_58_44_49_44_52_54_53
  static let version: UInt32 = 1
  static let headerBytes = 48
  static let groupBytes = 40
  static let entryBytes = 40

  static func encode(segment: UInt64, segmentBytes: Int, lists: [(group: Group, list: OpenIndex.List)]) -> [UInt8] {
    let sorted = lists.sorted { a, b in
      if a.group.key.hash != b.group.key.hash { return a.group.key.hash < b.group.key.hash }
      if a.group.key.bytes != b.group.key.bytes {
        return a.group.key.bytes.lexicographicallyPrecedes(b.group.key.bytes)
      }
      return a.group.partition < b.group.partition
    }
    let keyBytes = (sorted.reduce(0) { $0 + $1.group.key.bytes.count } + 7) & ~7
    let entryCount = sorted.reduce(0) { $0 + $1.list.entries.count }
    let keysStart = headerBytes + sorted.count * groupBytes
    let entriesStart = keysStart + keyBytes
    var file = [UInt8](repeating: 0, count: entriesStart + entryCount * entryBytes)
    file.withUnsafeMutableBytes { bytes in
      bytes.store(magic, at: 0)
      bytes.store(version, at: 8)
      bytes.store(segment, at: 16)
      bytes.store(UInt64(segmentBytes), at: 24)
      bytes.store(UInt32(truncatingIfNeeded: sorted.count), at: 32)
      bytes.store(UInt32(truncatingIfNeeded: entryCount), at: 36)
      bytes.store(UInt64(keyBytes), at: 40)
      var keyPosition = 0
      var firstEntry = 0
      for (index, item) in sorted.enumerated() {
        let at = headerBytes + index * groupBytes
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
          UnsafeMutableRawBufferPointer(rebasing: bytes[(entriesStart + firstEntry * entryBytes)...])
            .copyMemory(from: $0)
        }
        keyPosition += key.bytes.count
        firstEntry += item.list.entries.count
      }
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[16...])), at: 12)
    }
    return file
  }
}

/// A mapped index file whose checksum was right when it was opened.
final class SealedIndex: Sendable {
  let groupCount: Int
  let entryCount: Int
  let byteCount: Int
  private let mapping: FileMapping
  private let keysStart: Int
  private let entriesStart: Int

  /// Nil when the file is damaged or not the index of this segment: it is then built anew.
  init?(mapping: FileMapping, byteCount: Int, segment: UInt64, segmentBytes: Int) {
    let bytes = UnsafeRawBufferPointer(start: mapping.address, count: byteCount)
    guard byteCount >= IndexFile.headerBytes, bytes.integer(at: 0) == IndexFile.magic,
      bytes.integer(at: 8) == IndexFile.version, bytes.integer(at: 16) == segment,
      bytes.integer(at: 24) == UInt64(segmentBytes),
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[16...])) == bytes.integer(at: 12)
    else { return nil }
    let groups = Int(bytes.integer(at: 32, as: UInt32.self))
    let entries = Int(bytes.integer(at: 36, as: UInt32.self))
    guard let keyBytes = Int(exactly: bytes.integer(at: 40, as: UInt64.self)), keyBytes <= byteCount, keyBytes % 8 == 0,
      byteCount == IndexFile.headerBytes + groups * IndexFile.groupBytes + keyBytes + entries * IndexFile.entryBytes,
      Self.isSound(bytes, groups: groups, keyBytes: keyBytes, entries: entries, segmentBytes: segmentBytes)
    else { return nil }
    groupCount = groups
    entryCount = entries
    self.byteCount = byteCount
    self.mapping = mapping
    keysStart = IndexFile.headerBytes + groups * IndexFile.groupBytes
    entriesStart = keysStart + keyBytes
  }

  /// Whether every place named in the file lies where it should. A right checksum only says that the file is as it was
  /// written; what readers follow without looking is looked at here, once.
  private static func isSound(
    _ bytes: UnsafeRawBufferPointer, groups: Int, keyBytes: Int, entries: Int, segmentBytes: Int
  ) -> Bool {
    for group in 0..<groups {
      let at = IndexFile.headerBytes + group * IndexFile.groupBytes
      let keyEnd = Int(bytes.integer(at: at + 8, as: UInt32.self)) + Int(bytes.integer(at: at + 12, as: UInt16.self))
      let listEnd = Int(bytes.integer(at: at + 20, as: UInt32.self)) + Int(bytes.integer(at: at + 24, as: UInt32.self))
      guard keyEnd <= keyBytes, listEnd <= entries else { return false }
    }
    let entriesStart = IndexFile.headerBytes + groups * IndexFile.groupBytes + keyBytes
    for entry in 0..<entries {
      let at = entriesStart + entry * IndexFile.entryBytes
      // As IndexEntry lies in memory: position, then bytes of the body.
      let end = Int(bytes.integer(at: at + 24, as: UInt32.self)) + Int(bytes.integer(at: at + 28, as: UInt32.self))
      let ordinal: UInt64 = bytes.integer(at: at + 16)
      guard end <= segmentBytes, ordinal > 0, StoredNumbers.areOffset(bytes.integer(at: at), ordinal: ordinal),
        StoredNumbers.isTime(bytes.integer(at: at + 8))
      else { return false }
    }
    return true
  }

  /// When the last action of the segment expires, milliseconds since 1970.
  var latestExpiryMilliseconds: Int64 {
    (0..<groupCount).reduce(.min) { latest, group in
      max(latest, bytes.integer(at: IndexFile.headerBytes + group * IndexFile.groupBytes + 32))
    }
  }

  private var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mapping.address, count: byteCount) }

  func withList<R: Sendable>(of group: Group, _ body: (EntryList?) -> R) -> R {
    guard let at = position(of: group) else { return body(nil) }
    return body(list(at: at))
  }

  func forEachList(_ visit: (_ key: UnsafeRawBufferPointer, _ partition: Int32, EntryList) -> Void) {
    for group in 0..<groupCount {
      let at = IndexFile.headerBytes + group * IndexFile.groupBytes
      visit(key(bytes, at: at), bytes.integer(at: at + 16), list(at: at))
    }
  }

  private func list(at: Int) -> EntryList {
    let bytes = self.bytes
    let first = Int(bytes.integer(at: at + 20, as: UInt32.self))
    let count = Int(bytes.integer(at: at + 24, as: UInt32.self))
    let start = (mapping.address + entriesStart + first * IndexFile.entryBytes).assumingMemoryBound(to: IndexEntry.self)
    return EntryList(
      entries: UnsafeBufferPointer(start: start, count: count),
      isExpiryAscending: bytes.integer(at: at + 14, as: UInt16.self) == 1)
  }

  private func position(of group: Group) -> Int? {
    let bytes = self.bytes
    var low = 0
    var high = groupCount
    while low < high {
      let middle = (low + high) / 2
      let at = IndexFile.headerBytes + middle * IndexFile.groupBytes
      if isBefore(group, bytes: bytes, at: at) { low = middle + 1 } else { high = middle }
    }
    guard low < groupCount else { return nil }
    let at = IndexFile.headerBytes + low * IndexFile.groupBytes
    guard bytes.integer(at: at) == group.key.hash, bytes.integer(at: at + 16) == group.partition,
      group.key.bytes.withUnsafeBytes({ $0.elementsEqual(key(bytes, at: at)) })
    else { return nil }
    return at
  }

  private func isBefore(_ group: Group, bytes: UnsafeRawBufferPointer, at: Int) -> Bool {
    let hash: UInt64 = bytes.integer(at: at)
    if hash != group.key.hash { return hash < group.key.hash }
    let stored = key(bytes, at: at)
    if !group.key.bytes.withUnsafeBytes({ $0.elementsEqual(stored) }) {
      return stored.lexicographicallyPrecedes(group.key.bytes)
    }
    return bytes.integer(at: at + 16, as: Int32.self) < group.partition
  }

  private func key(_ bytes: UnsafeRawBufferPointer, at: Int) -> UnsafeRawBufferPointer {
    let start = keysStart + Int(bytes.integer(at: at + 8, as: UInt32.self))
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(bytes.integer(at: at + 12, as: UInt16.self)))])
  }
}
