/// The entries of a wide marker: three variable-length numbers each (LEB128, seven bits a byte, the lowest first).
///
/// A topic of which retention has removed unread records has a hole in every partition, and a marker that has come past
/// them an entry for each. As 20 bytes each, those of some 400 partitions would be more than a request can carry; an
/// entry that only says "past the hole" takes 5 to 7 bytes here.
///
/// An entry is: what its partition is beyond the one before it, less one · offset · ordinal plus one, where 0 stands for
/// one that is not known.
enum CompactEntries {
  /// Stands where a plain entry has its partition, which is never negative.
  static let mark: Int32 = -1
  static let markBytes = 4
  /// Markers of more entries are written this way; most have one.
  static let plainEntriesMax = 4

  static func bytes(of entries: [Marker.Entry]) -> Int {
    var count = 0
    forEachNumber(of: entries) { count += bytes(of: $0) }
    return count
  }

  /// Writes the entries, which have to fit.
  static func write(_ entries: [Marker.Entry], to bytes: UnsafeMutableRawBufferPointer) {
    var position = 0
    forEachNumber(of: entries) { number in
      var rest = number
      while rest > 0x7F {
        bytes[position] = UInt8(truncatingIfNeeded: rest) | 0x80
        rest >>= 7
        position += 1
      }
      bytes[position] = UInt8(truncatingIfNeeded: rest)
      position += 1
    }
  }

  /// Nil for bytes that ``write(_:to:)`` did not make.
  static func read(_ bytes: UnsafeRawBufferPointer) -> [Marker.Entry]? {
    var position = 0
    func number() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), through: 63, by: 7) {
        guard position < bytes.count else { return nil }
        let byte = UInt64(bytes[position])
        position += 1
        let bits = (byte & 0x7F) << shift
        guard bits >> shift == byte & 0x7F else { return nil }
        value |= bits
        if byte < 0x80 { return value }
      }
      return nil
    }
    var entries: [Marker.Entry] = []
    var partition: Int32 = -1
    while position < bytes.count {
      guard let beyond = number().flatMap(Int32.init(exactly:)), let offset = number(), let ordinal = number() else {
        return nil
      }
      let (next, isTooHigh) = partition.addingReportingOverflow(beyond)
      guard !isTooHigh, next < Int32.max else { return nil }
      partition = next + 1
      entries.append(
        .init(partition: partition, offset: Int64(bitPattern: offset), ordinal: ordinal &- 1))
    }
    return entries
  }

  private static func bytes(of number: UInt64) -> Int {
    max(1, (UInt64.bitWidth - number.leadingZeroBitCount + 6) / 7)
  }

  /// Ascending entries as the numbers that are written.
  private static func forEachNumber(of entries: [Marker.Entry], _ body: (UInt64) -> Void) {
    var last: Int32 = -1
    for entry in entries {
      body(UInt64(UInt32(bitPattern: entry.partition &- last &- 1)))
      body(UInt64(bitPattern: entry.offset))
      body(entry.ordinal &+ 1)
      last = entry.partition
    }
  }
}
