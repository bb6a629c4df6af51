/// The grammar of RFC 8259 over raw bytes: each function takes the place of a construct and gives the place after it.
///
/// Pointers are passed and returned, and no closure captures a variable: that keeps the cursor in a register (the
/// same code with nested functions over a captured `var` measured twelve times slower). Nothing recurses; nesting
/// is a stack of bits. Every read is guarded by `end`.
enum JSONGrammar {
  typealias Cursor = UnsafePointer<UInt8>

  /// Levels the stack of bits can hold. The record contract allows 64; an HTTP POST wraps that in two more.
  static let levelsMax = 128

  @inline(__always)
  static func skipWhiteSpace(_ start: Cursor, _ end: Cursor) -> Cursor {
    var cursor = start
    while cursor < end {
      let byte = cursor.pointee
      if byte > 0x20 { break }
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
      cursor += 1
    }
    return cursor
  }

  /// Skips one value of any kind.
  /// - Parameters:
  ///   - start: the value's first byte; white space before it is skipped already.
  ///   - levels: how many levels of objects and arrays the value may hold, at most ``levelsMax``.
  static func skipValue(_ start: Cursor, _ end: Cursor, levels: Int) throws(JSONFault) -> Cursor {
    var cursor = start
    var level = 0
    // The innermost container is the lowest bit: 1 for an object, 0 for an array.
    var containers: UInt128 = 0
    while true {
      guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
      switch cursor.pointee {
      case 0x22:  // "
        cursor = try closingQuote(cursor + 1, end) + 1
      case 0x7B:  // {
        guard level < levels else { throw JSONFault(.tooDeep, at: cursor) }
        cursor = skipWhiteSpace(cursor + 1, end)
        guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
        if cursor.pointee == 0x7D {
          cursor += 1
        } else {
          level += 1
          containers = containers &<< 1 | 1
          cursor = try skipKeyAndColon(cursor, end)
          continue
        }
      case 0x5B:  // [
        guard level < levels else { throw JSONFault(.tooDeep, at: cursor) }
        cursor = skipWhiteSpace(cursor + 1, end)
        guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
        if cursor.pointee == 0x5D {
          cursor += 1
        } else {
          level += 1
          containers = containers &<< 1
          continue
        }
      case 0x2D, 0x30...0x39: cursor = try skipNumber(cursor, end)
      case 0x74: cursor = try skipLiteral("true", cursor, end)
      case 0x66: cursor = try skipLiteral("false", cursor, end)
      case 0x6E: cursor = try skipLiteral("null", cursor, end)
      default: throw JSONFault(.unexpectedByte, at: cursor)
      }
      // A value has ended: leave what closes here, then go on to the next value.
      afterValue: while true {
        if level == 0 { return cursor }
        cursor = skipWhiteSpace(cursor, end)
        guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
        let byte = cursor.pointee
        if byte == 0x2C {  // ,
          cursor = skipWhiteSpace(cursor + 1, end)
          if containers & 1 == 1 { cursor = try skipKeyAndColon(cursor, end) }
          break afterValue
        }
        guard byte == (containers & 1 == 1 ? 0x7D : 0x5D) else { throw JSONFault(.unexpectedByte, at: cursor) }
        cursor += 1
        level -= 1
        containers = containers &>> 1
      }
    }
  }

  /// Skips a member's name, the colon, and the white space around them, to the first byte of its value.
  @inline(__always)
  static func skipKeyAndColon(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    guard start < end else { throw JSONFault(.truncated, at: start) }
    guard start.pointee == 0x22 else { throw JSONFault(.expectedKey, at: start) }
    return try skipColon(try closingQuote(start + 1, end) + 1, end)
  }

  /// Skips the colon after a member's name, and the white space around it.
  @inline(__always)
  static func skipColon(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    let colon = skipWhiteSpace(start, end)
    guard colon < end else { throw JSONFault(.truncated, at: colon) }
    guard colon.pointee == 0x3A else { throw JSONFault(.expectedColon, at: colon) }
    return skipWhiteSpace(colon + 1, end)
  }

  /// Skips the white space before a document's value, and refuses a byte order mark.
  static func documentStart(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    let first = skipWhiteSpace(start, end)
    guard first < end else { throw JSONFault(.truncated, at: first) }
    if end - start >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF {
      throw JSONFault(.byteOrderMark, at: start)
    }
    return first
  }

  /// Checks that nothing but white space follows a document's value.
  static func documentEnd(_ start: Cursor, _ end: Cursor) throws(JSONFault) {
    let rest = skipWhiteSpace(start, end)
    guard rest == end else { throw JSONFault(.trailingBytes, at: rest) }
  }

  private static func skipLiteral(_ word: StaticString, _ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    let count = word.utf8CodeUnitCount
    guard end - start >= count else {
      throw JSONFault(.invalidLiteral, at: start)
    }
    let letters = word.utf8Start
    for index in 0..<count where start[index] != letters[index] { throw JSONFault(.invalidLiteral, at: start) }
    return start + count
  }

  /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
  private static func skipNumber(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    var cursor = start
    if cursor.pointee == 0x2D { cursor += 1 }
    if cursor < end, cursor.pointee == 0x30 {
      cursor += 1
    } else {
      cursor = try skipDigits(cursor, end)
    }
    if cursor < end, cursor.pointee == 0x2E { cursor = try skipDigits(cursor + 1, end) }
    if cursor < end, cursor.pointee | 0x20 == 0x65 {
      cursor += 1
      if cursor < end, cursor.pointee == 0x2B || cursor.pointee == 0x2D { cursor += 1 }
      cursor = try skipDigits(cursor, end)
    }
    return cursor
  }

  /// One digit or more.
  @inline(__always)
  private static func skipDigits(_ start: Cursor, _ end: Cursor) throws(JSONFault) -> Cursor {
    var cursor = start
    while cursor < end, cursor.pointee &- 0x30 < 10 { cursor += 1 }
    guard cursor > start else { throw JSONFault(.invalidNumber, at: cursor) }
    return cursor
  }
}
