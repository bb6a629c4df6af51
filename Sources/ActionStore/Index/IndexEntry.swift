#if _endian(big)
  #error("index files are mapped as they are: a big-endian machine would need byte swapping")
#endif

/// Where one action lies in its segment, and what must be known to leave it out without touching it. 40 bytes, stored
/// in index files as it is in memory.
struct IndexEntry: Equatable, Sendable {
  var offset: Int64
  var createdMilliseconds: Int64
  /// How many actions of this queue and partition the store had received, this one included.
  var ordinal: UInt64
  /// Where in the segment the body begins, and its bytes.
  var position: UInt32
  var bodyBytes: UInt32
  var timeToLiveSeconds: Int32
  var eventHash: UInt32

  @inline(__always)
  var expiresMilliseconds: Int64 { createdMilliseconds &+ Int64(timeToLiveSeconds) &* 1_000 }
}

/// A queue's part of one partition: what indexes are keyed by. Nearly every queue has exactly one, because the key of
/// a record chooses its partition.
struct Group: Sendable {
  /// Dense number given by this process; keys of open indexes.
  var number: UInt32
  var partition: Int32
  var key: QueueKey
}

/// `project/queue` with the hash that index files are sorted by.
struct QueueKey: Hashable, Sendable {
  let bytes: [UInt8]
  let hash: UInt64

  init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  init(bytes: [UInt8]) {
    self.bytes = bytes
    hash = bytes.withUnsafeBytes { Self.hash(of: $0) }
  }

  static func == (a: Self, b: Self) -> Bool { a.hash == b.hash && a.bytes == b.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(hash) }

  /// FNV-1a, 64 bits, finished by a multiply-shift: part of the index file's format.
  @inline(__always)
  static func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash ^= hash >> 32
    hash = hash &* 0x9E37_79B9_7F4A_7C15
    return hash ^ (hash >> 29)
  }
}

/// Searches in one group's entries of one segment, ascending by offset.
struct EntryList {
  let entries: UnsafeBufferPointer<IndexEntry>
  /// True when no entry expires before an earlier one: then the first live one is found by bisection.
  let isExpiryAscending: Bool

  /// Index of the first entry with an offset above `offset`.
  func firstIndex(after offset: Int64) -> Int {
    guard let last = entries.last, last.offset > offset else { return entries.count }
    return partition { $0.offset <= offset }
  }

  /// Index at or after `start` before which nothing is alive at `now`.
  func firstPossiblyLive(from start: Int, now: Int64) -> Int {
    guard start < entries.count, entries[start].expiresMilliseconds <= now else { return start }
    guard isExpiryAscending else { return start }
    return max(start, partition { $0.expiresMilliseconds <= now })
  }

  /// The entries with an ordinal up to `ordinal`, and those above it.
  func prefix(upTo ordinal: UInt64) -> EntryList {
    let count = entries.last.map { $0.ordinal <= ordinal } ?? true ? entries.count : partition { $0.ordinal <= ordinal }
    return EntryList(entries: UnsafeBufferPointer(rebasing: entries[..<count]), isExpiryAscending: isExpiryAscending)
  }

  func suffix(above ordinal: UInt64) -> EntryList {
    let start = partition { $0.ordinal <= ordinal }
    return EntryList(entries: UnsafeBufferPointer(rebasing: entries[start...]), isExpiryAscending: isExpiryAscending)
  }

  func index(of offset: Int64) -> Int? {
    let candidate = partition { $0.offset < offset }
    return candidate < entries.count && entries[candidate].offset == offset ? candidate : nil
  }

  /// How many entries are alive at `now`, and the first and last of them.
  func live(at now: Int64) -> (count: Int, first: IndexEntry?, last: IndexEntry?) {
    if isExpiryAscending {
      let start = firstPossiblyLive(from: 0, now: now)
      guard start < entries.count else { return (0, nil, nil) }
      return (entries.count - start, entries[start], entries.last)
    }
    var result: (count: Int, first: IndexEntry?, last: IndexEntry?) = (0, nil, nil)
    for entry in entries where entry.expiresMilliseconds > now {
      result.count += 1
      if result.first == nil { result.first = entry }
      result.last = entry
    }
    return result
  }

  /// First index for which `isBefore` is false; it must be true for a prefix.
  private func partition(_ isBefore: (IndexEntry) -> Bool) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
