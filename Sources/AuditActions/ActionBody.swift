/// A record's value that has passed the contract, and where its event is. Nothing is copied.
///
/// The contract: one JSON object (RFC 8259, strictly), at most ``ActionLimits/bodyBytesMax`` bytes of valid UTF-8,
/// nested at most ``ActionLimits/depthMax`` levels, with exactly one member `event`, a string of 1…256 bytes without
/// control characters once unescaped. Every other member may be any JSON. Unpaired surrogates written as `\uD800` are
/// allowed by RFC 8259 and pass, except in `event`.
public struct ActionBody: Sendable, Hashable {
  /// The bytes of the event's string, without quotes, as written (they may hold escapes).
  public let event: Range<Int>
  /// Whether the event is written with escapes, so that its bytes are not its text.
  public let eventHasEscapes: Bool

  /// Checks a record's value.
  /// - Throws: `too_large` (before reading a byte), `invalid_json`, `invalid_utf8`, `too_deep`, `not_an_object`,
  ///   `missing_event`, `invalid_event`.
  public static func validate(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> ActionBody {
    guard bytes.count <= ActionLimits.bodyBytesMax else {
      throw AuditActionError(
        .tooLarge, "the body has \(bytes.count) bytes; the limit is \(ActionLimits.bodyBytesMax)")
    }
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else {
      throw AuditActionError(.invalidJSON, "the body is empty; send a JSON object")
    }
    do {
      return try scan(base, base + bytes.count)
    } catch {
      throw error.error(from: base)
    }
  }

  /// The event's text, unescaped. `bytes` is the value this body was made from.
  public func eventText(in bytes: UnsafeRawBufferPointer) -> String {
    let raw = UnsafeRawBufferPointer(rebasing: bytes[event.clamped(to: 0..<bytes.count)])
    guard eventHasEscapes else { return String(decoding: raw, as: UTF8.self) }
    return String(decoding: JSONUnescape.decode(raw).bytes, as: UTF8.self)
  }

  /// ``eventHash(_:)-(UnsafeRawBufferPointer)`` of the event's text, without allocating unless it holds escapes.
  public func eventHash(in bytes: UnsafeRawBufferPointer) -> UInt32 {
    let raw = UnsafeRawBufferPointer(rebasing: bytes[event.clamped(to: 0..<bytes.count)])
    guard eventHasEscapes else { return AuditActions.eventHash(raw) }
    return JSONUnescape.decode(raw).bytes.withUnsafeBytes { AuditActions.eventHash($0) }
  }
}

extension ActionBody {
  private typealias Cursor = JSONGrammar.Cursor

  private static func scan(_ base: Cursor, _ end: Cursor) throws(JSONFault) -> ActionBody {
    var cursor = try JSONGrammar.documentStart(base, end)
    guard cursor.pointee == 0x7B else {
      let after = try JSONGrammar.skipValue(cursor, end, levels: ActionLimits.depthMax)
      try JSONGrammar.documentEnd(after, end)
      throw JSONFault(.notAnObject, at: cursor)
    }
    cursor = JSONGrammar.skipWhiteSpace(cursor + 1, end)
    guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
    if cursor.pointee == 0x7D {
      try JSONGrammar.documentEnd(cursor + 1, end)
      throw JSONFault(.missingEvent, at: base)
    }
    var event: ActionBody?
    while true {
      guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
      guard cursor.pointee == 0x22 else { throw JSONFault(.expectedKey, at: cursor) }
      let key = cursor + 1
      let keyEnd = try JSONGrammar.closingQuote(key, end)
      let value = try JSONGrammar.skipColon(keyEnd + 1, end)
      cursor = try JSONGrammar.skipValue(value, end, levels: ActionLimits.depthMax - 1)
      if isEvent(key, keyEnd) {
        if event != nil { throw JSONFault(.secondEvent, at: key) }
        guard value.pointee == 0x22 else { throw JSONFault(.eventNotAString, at: value) }
        event = try checkedEvent(value + 1, cursor - 1, base)
      }
      cursor = JSONGrammar.skipWhiteSpace(cursor, end)
      guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
      if cursor.pointee == 0x7D { break }
      guard cursor.pointee == 0x2C else { throw JSONFault(.unexpectedByte, at: cursor) }
      cursor = JSONGrammar.skipWhiteSpace(cursor + 1, end)
    }
    try JSONGrammar.documentEnd(cursor + 1, end)
    guard let event else { throw JSONFault(.missingEvent, at: base) }
    return event
  }

  /// Whether a member's name is `event` once unescaped: `"\u0065vent"` is the same name.
  @inline(__always)
  private static func isEvent(_ key: Cursor, _ keyEnd: Cursor) -> Bool {
    let count = keyEnd - key
    if count == 5 {
      return key[0] == 0x65 && key[1] == 0x76 && key[2] == 0x65 && key[3] == 0x6E && key[4] == 0x74
    }
    // Letters have only the \u escape, so an escaped spelling has 10, 15, 20, 25 or 30 bytes.
    return count >= 10 && count <= 30 && count % 5 == 0 && isEscapedEvent(key, count)
  }

  private static func isEscapedEvent(_ key: Cursor, _ count: Int) -> Bool {
    let raw = UnsafeRawBufferPointer(start: key, count: count)
    guard raw.contains(0x5C) else { return false }
    return JSONUnescape.decode(raw).bytes.elementsEqual("event".utf8)
  }

  /// Checks the event's text between its quotes: length, no control characters, no unpaired surrogates.
  private static func checkedEvent(_ start: Cursor, _ end: Cursor, _ base: Cursor) throws(JSONFault) -> ActionBody {
    let raw = UnsafeRawBufferPointer(start: start, count: end - start)
    guard raw.contains(0x5C) else {
      guard raw.count >= 1, raw.count <= ActionLimits.eventBytesMax else { throw JSONFault(.eventLength, at: start) }
      guard !holdsControlCharacters(raw) else { throw JSONFault(.eventCharacters, at: start) }
      return ActionBody(event: (start - base)..<(end - base), eventHasEscapes: false)
    }
    // An escape is at most six bytes for one: a longer text cannot come within the limit.
    guard raw.count <= 6 * ActionLimits.eventBytesMax else { throw JSONFault(.eventLength, at: start) }
    let (text, hasUnpairedSurrogate) = JSONUnescape.decode(raw)
    guard text.count <= ActionLimits.eventBytesMax else { throw JSONFault(.eventLength, at: start) }
    guard !hasUnpairedSurrogate, !text.withUnsafeBytes(holdsControlCharacters) else {
      throw JSONFault(.eventCharacters, at: start)
    }
    return ActionBody(event: (start - base)..<(end - base), eventHasEscapes: true)
  }

  /// Unicode's control characters, category Cc: U+0000…U+001F, U+007F…U+009F. `text` is valid UTF-8.
  private static func holdsControlCharacters(_ text: UnsafeRawBufferPointer) -> Bool {
    var previous: UInt8 = 0
    for byte in text {
      if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
      previous = byte
    }
    return false
  }
}
