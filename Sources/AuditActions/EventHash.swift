/// A 32-bit hash of an event's text (UTF-8, unescaped), as the store's index keeps it for `event=` filters.
///
/// Part of the store's file format: the same text must give the same number in every version, so it is written
/// out here rather than taken from `Hasher`, which is seeded per process. The text is taken eight bytes at a time,
/// little-endian, the last word filled up with zeros; the length seeds the state, so that zeros count.
public func eventHash(_ event: UnsafeRawBufferPointer) -> UInt32 {
  let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
  var state = UInt64(truncatingIfNeeded: event.count) &* multiplier
  var index = 0
  while event.count - index >= 8 {
    let word = UInt64(littleEndian: event.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    state = (state ^ word) &* multiplier
    state ^= state &>> 32
    index += 8
  }
  if index < event.count {
    var word: UInt64 = 0
    var shift: UInt64 = 0
    while index < event.count {
      word |= UInt64(event[index]) &<< shift
      shift += 8
      index += 1
    }
    state = (state ^ word) &* multiplier
    state ^= state &>> 32
  }
  state = state &* multiplier
  return UInt32(truncatingIfNeeded: state &>> 32)
}

/// The same of a Swift string, for the filter's side.
public func eventHash(_ event: String) -> UInt32 {
  var event = event
  return event.withUTF8 { eventHash(UnsafeRawBufferPointer($0)) }
}
