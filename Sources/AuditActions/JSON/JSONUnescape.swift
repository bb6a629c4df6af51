/// The text of a JSON string whose grammar has been checked.
enum JSONUnescape {
  /// Takes the escapes out of a string's raw bytes, quotes not included.
  /// - Returns: UTF-8, and whether an unpaired surrogate was there; UTF-8 cannot hold one, so U+FFFD takes its place.
  static func decode(_ raw: UnsafeRawBufferPointer) -> (bytes: [UInt8], hasUnpairedSurrogate: Bool) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var hasUnpairedSurrogate = false
    var index = 0
    while index < raw.count {
      let byte = raw[index]
      guard byte == 0x5C, index + 1 < raw.count else {
        bytes.append(byte)
        index += 1
        continue
      }
      if raw[index + 1] != 0x75 {
        bytes.append(shortEscape(raw[index + 1]))
        index += 2
        continue
      }
      guard let unit = codeUnit(raw, at: index) else {  // not reached for a checked string
        bytes.append(byte)
        index += 1
        continue
      }
      index += 6
      var scalar = UInt32(unit)
      if unit & 0xFC00 == 0xD800, let low = codeUnit(raw, at: index), low & 0xFC00 == 0xDC00 {
        scalar = 0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
        index += 6
      }
      if let valid = Unicode.Scalar(scalar) {
        bytes.append(contentsOf: UTF8.encode(valid) ?? UTF8.encodedReplacementCharacter)
      } else {
        hasUnpairedSurrogate = true
        bytes.append(contentsOf: UTF8.encodedReplacementCharacter)
      }
    }
    return (bytes, hasUnpairedSurrogate)
  }

  /// The UTF-16 code unit of the `\uXXXX` at `index`, if there is one.
  private static func codeUnit(_ raw: UnsafeRawBufferPointer, at index: Int) -> UInt16? {
    guard index >= 0, raw.count - index >= 6, raw[index] == 0x5C, raw[index + 1] == 0x75 else { return nil }
    var unit: UInt16 = 0
    for place in (index + 2)..<(index + 6) {
      let byte = raw[place]
      let digit: UInt8
      if byte &- 0x30 < 10 {
        digit = byte &- 0x30
      } else if (byte | 0x20) &- 0x61 < 6 {
        digit = (byte | 0x20) &- 0x61 &+ 10
      } else {
        return nil
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  private static func shortEscape(_ letter: UInt8) -> UInt8 {
    switch letter {
    case 0x62: 0x08
    case 0x66: 0x0C
    case 0x6E: 0x0A
    case 0x72: 0x0D
    case 0x74: 0x09
    default: letter  // " \ /
    }
  }
}
