import Cprocessor

/// Strings: sixteen bytes at a time while they are plain, byte by byte where they are not.
extension JSONGrammar {
  /// Gives the place of a string's closing quote.
  /// - Parameter start: the byte after the opening quote.
  static func closingQuote(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    var cursor = start
    while true {
      cursor += processor_plain_run(cursor, end - cursor)
      guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
      let byte = cursor.pointee
      if byte == 0x22 { return cursor }
      if byte >= 0x80 {
        cursor = try skipMultibyteCharacters(cursor, end)
      } else if byte == 0x5C {
        cursor = try skipEscape(cursor, end)
      } else {
        throw JSONFault(.controlCharacter, at: cursor)
      }
    }
  }

  /// Skips `\n`, `\u0041` and the like. Unpaired surrogates pass: RFC 8259, section 8.2, allows them in the grammar.
  private static func skipEscape(_ backslash: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    guard end - backslash >= 2 else { throw JSONFault(.truncated, at: end) }
    switch backslash[1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return backslash + 2
    case 0x75:
      guard end - backslash >= 6 else { throw JSONFault(.truncated, at: end) }
      for index in 2..<6 where !isHexadecimal(backslash[index]) { throw JSONFault(.invalidEscape, at: backslash) }
      return backslash + 6
    default: throw JSONFault(.invalidEscape, at: backslash)
    }
  }

  @inline(__always)
  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
  }

  /// Skips characters outside ASCII up to the next ASCII byte: well-formed UTF-8 only (Unicode 15, table 3-7), so no
  /// overlong forms, no surrogates, nothing above U+10FFFF.
  private static func skipMultibyteCharacters(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    var cursor = start
    repeat {
      let lead = cursor.pointee
      let left = end - cursor
      if lead >= 0xC2, lead <= 0xDF {
        guard left >= 2, isContinuation(cursor[1]) else { throw JSONFault(.invalidUTF8, at: cursor) }
        cursor += 2
      } else if lead >= 0xE0, lead <= 0xEF {
        guard left >= 3, isContinuation(cursor[1]), isContinuation(cursor[2]),
          lead != 0xE0 || cursor[1] >= 0xA0, lead != 0xED || cursor[1] <= 0x9F
        else { throw JSONFault(.invalidUTF8, at: cursor) }
        cursor += 3
      } else if lead >= 0xF0, lead <= 0xF4 {
        guard left >= 4, isContinuation(cursor[1]), isContinuation(cursor[2]), isContinuation(cursor[3]),
          lead != 0xF0 || cursor[1] >= 0x90, lead != 0xF4 || cursor[1] <= 0x8F
        else { throw JSONFault(.invalidUTF8, at: cursor) }
        cursor += 4
      } else {
        throw JSONFault(.invalidUTF8, at: cursor)
      }
    } while cursor < end && cursor.pointee >= 0x80
    return cursor
  }

  @inline(__always)
  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
