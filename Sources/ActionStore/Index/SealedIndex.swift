/// A mapped index file whose front was right when it was opened.
final class SealedIndex: Sendable {
  let summary: IndexFile.Summary
  let groupCount: Int
  let entryCount: Int
  let frameCount: Int
  let byteCount: Int
  private let mapping: FileMapping
  private let groupsStart: Int
  private let keysStart: Int
  private let entriesStart: Int
  private let framesStart: Int

  /// Nil when the front is damaged or the file is not the index of this segment: it is then built anew.
  init?(mapping: FileMapping, byteCount: Int, segment: UInt64, segmentBytes: Int) {
    let bytes = UnsafeRawBufferPointer(start: mapping.address, count: byteCount)
    guard byteCount >= IndexFile.headerBytes, bytes.integer(at: 0) == IndexFile.magic,
      bytes.integer(at: 8) == IndexFile.version, bytes.integer(at: 16) == segment,
      bytes.integer(at: 24) == UInt64(segmentBytes)
    else { return nil }
    let groups = Int(bytes.integer(at: 32, as: UInt32.self))
    let entries = Int(bytes.integer(at: 36, as: UInt32.self))
    let coverage = Int(bytes.integer(at: 76, as: UInt32.self))
    let frames = Int(bytes.integer(at: 80, as: UInt32.self))
    guard let keyBytes = Int(exactly: bytes.integer(at: 40, as: UInt64.self)), keyBytes <= byteCount, keyBytes % 8 == 0
    else { return nil }
    groupsStart = IndexFile.headerBytes + coverage * IndexFile.coverageBytes
    keysStart = groupsStart + groups * IndexFile.groupBytes
    entriesStart = keysStart + keyBytes
    framesStart = entriesStart + entries * IndexFile.entryBytes
    guard byteCount == framesStart + frames * IndexFile.frameBytes,
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[16..<entriesStart])) == bytes.integer(at: 12),
      let summary = IndexFile.summary(of: bytes, coverageCount: coverage)
    else { return nil }
    // A right checksum only says that the file is as it was written; what readers follow without looking is looked at.
    for group in 0..<groups {
      let at = groupsStart + group * IndexFile.groupBytes
      let keyEnd = Int(bytes.integer(at: at + 8, as: UInt32.self)) + Int(bytes.integer(at: at + 12, as: UInt16.self))
      let listEnd = Int(bytes.integer(at: at + 20, as: UInt32.self)) + Int(bytes.integer(at: at + 24, as: UInt32.self))
      guard keyEnd <= keyBytes, listEnd <= entries else { return nil }
    }
    self.summary = summary
    groupCount = groups
    entryCount = entries
    frameCount = frames
    self.byteCount = byteCount
    self.mapping = mapping
  }

  private var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mapping.address, count: byteCount) }

  // MARK: Lists

  /// - Parameter check: has the list looked at before it is read for the first time; one that is damaged is no list.
  func withList<R: Sendable>(of group: Group, check: SegmentCheck?, _ body: (EntryList?) -> R) -> R {
    guard let row = row(of: group) else { return body(nil) }
    if let check, !check.admits(list: row, of: self) { return body(nil) }
    return body(list(row))
  }

  func forEachList(
    check: SegmentCheck?, _ visit: (_ key: UnsafeRawBufferPointer, _ partition: Int32, EntryList) -> Void
  ) {
    for row in 0..<groupCount where check?.admits(list: row, of: self) ?? true {
      visit(key(row), bytes.integer(at: at(row) + 16), list(row))
    }
  }

  /// Whether something holds for every list; a list that is damaged holds nothing.
  func allLists(
    check: SegmentCheck?, _ holds: (_ key: UnsafeRawBufferPointer, _ partition: Int32, EntryList) -> Bool
  ) -> Bool {
    (0..<groupCount).allSatisfy { row in
      (check?.admits(list: row, of: self) ?? true) && holds(key(row), bytes.integer(at: at(row) + 16), list(row))
    }
  }

  /// Whether a list is as it was written, and every place it names lies in the segment.
  func isSound(list row: Int) -> Bool {
    let entries = list(row).entries
    guard CRC32C.checksum(UnsafeRawBufferPointer(entries)) == bytes.integer(at: at(row) + 28) else { return false }
    return entries.allSatisfy { entry in
      Int(entry.position) + Int(entry.bodyBytes) <= summary.segmentBytes && entry.ordinal > 0
        && StoredNumbers.areOffset(entry.offset, ordinal: entry.ordinal)
        && StoredNumbers.isTime(entry.createdMilliseconds)
    }
  }

  /// Whether every list is sound, and the frames are those of the segment.
  func isSound(frames: [UInt32]) -> Bool {
    frameCount == frames.count && frames.indices.allSatisfy { framePosition($0) == Int(frames[$0]) }
      && (0..<groupCount).allSatisfy { isSound(list: $0) }
  }

  private func at(_ row: Int) -> Int { groupsStart + row * IndexFile.groupBytes }

  private func list(_ row: Int) -> EntryList {
    let bytes = self.bytes
    let first = Int(bytes.integer(at: at(row) + 20, as: UInt32.self))
    let count = Int(bytes.integer(at: at(row) + 24, as: UInt32.self))
    let start = (mapping.address + entriesStart + first * IndexFile.entryBytes).assumingMemoryBound(to: IndexEntry.self)
    return EntryList(
      entries: UnsafeBufferPointer(start: start, count: count),
      isExpiryAscending: bytes.integer(at: at(row) + 14, as: UInt16.self) == 1)
  }

  private func row(of group: Group) -> Int? {
    let bytes = self.bytes
    var low = 0
    var high = groupCount
    while low < high {
      let middle = (low + high) / 2
      if isBefore(group, row: middle) { low = middle + 1 } else { high = middle }
    }
    guard low < groupCount else { return nil }
    guard bytes.integer(at: at(low)) == group.key.hash, bytes.integer(at: at(low) + 16) == group.partition,
      group.key.bytes.withUnsafeBytes({ $0.elementsEqual(key(low)) })
    else { return nil }
    return low
  }

  private func isBefore(_ group: Group, row: Int) -> Bool {
    let bytes = self.bytes
    let hash: UInt64 = bytes.integer(at: at(row))
    if hash != group.key.hash { return hash < group.key.hash }
    let stored = key(row)
    if !group.key.bytes.withUnsafeBytes({ $0.elementsEqual(stored) }) {
      return stored.lexicographicallyPrecedes(group.key.bytes)
    }
    return bytes.integer(at: at(row) + 16, as: Int32.self) < group.partition
  }

  private func key(_ row: Int) -> UnsafeRawBufferPointer {
    let bytes = self.bytes
    let start = keysStart + Int(bytes.integer(at: at(row) + 8, as: UInt32.self))
    let count = Int(bytes.integer(at: at(row) + 12, as: UInt16.self))
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
  }

  // MARK: Frames

  func framePosition(_ frame: Int) -> Int {
    Int(bytes.integer(at: framesStart + frame * IndexFile.frameBytes, as: UInt32.self))
  }

  /// The last frame that begins at `position` or before; nil when there is none.
  func frame(at position: Int) -> Int? {
    var low = 0
    var high = frameCount
    while low < high {
      let middle = (low + high) / 2
      if framePosition(middle) <= position { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }

  // MARK: Files

  /// The front of most index files.
  static let frontBytesUsual = 128 << 10

  /// To be called before many are opened: then the disk has all fronts to read at once. An index that cannot be opened
  /// is none when it is needed.
  static func fetch(segment: UInt64, paths: SegmentPaths, files: FileSystem) {
    guard let file = try? files.open(paths.index(segment), flags: 0) else { return }
    files.fetchBeginning(of: file, bytes: frontBytesUsual)
  }

  /// Writes an index file, durable, and maps it.
  static func write(
    _ summary: IndexFile.Summary, frames: [UInt32], lists: [(group: Group, list: OpenIndex.List)],
    paths: SegmentPaths, files: FileSystem
  ) throws(StoreError) -> SealedIndex {
    try files.replace(paths.index(summary.segment), with: IndexFile.encode(summary, frames: frames, lists: lists))
    guard
      let index = try open(
        segment: summary.segment, segmentBytes: summary.segmentBytes, paths: paths, files: files)
    else {
      throw StoreError(.damaged, "the index of segment \(summary.segment) does not read back as written")
    }
    return index
  }

  /// Nil when there is no such file or its front is damaged.
  static func open(
    segment: UInt64, segmentBytes: Int, paths: SegmentPaths, files: FileSystem
  ) throws(StoreError) -> SealedIndex? {
    let file: FileDescriptor
    do throws(StoreError) { file = try files.open(paths.index(segment), flags: 0) } catch {
      if error.isMissingFile { return nil }
      throw error
    }
    let length = try files.length(of: file)
    guard length >= IndexFile.headerBytes else { return nil }
    let mapping = try files.map(file, capacity: length)
    return SealedIndex(mapping: mapping, byteCount: length, segment: segment, segmentBytes: segmentBytes)
  }
}
