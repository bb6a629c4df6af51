/// What a JSON value is, by its first byte.
package enum JSONKind: Sendable, Hashable {
  case object, array, string, number, boolean, null
}

/// One value inside a document: what it is, and which bytes it takes up, quotes and brackets included.
package struct JSONSlice: Sendable, Hashable {
  package let kind: JSONKind
  package let range: Range<Int>
}

/// One member of an object: its name, unescaped (U+FFFD for an unpaired surrogate), and its value's place.
package struct JSONMember: Sendable, Hashable {
  package let name: String
  package let value: JSONSlice
}

/// Reads the structure of a JSON document without building a tree: members, elements and raw bytes of values.
///
/// It borrows the bytes: it, and every pointer it gives, must not outlive them. Every function checks what it reads
/// again, so a slice of another document gives an error, never a trap.
package struct JSONScanner {
  private let document: UnsafeRawBufferPointer

  package init(_ document: UnsafeRawBufferPointer) {
    self.document = document
  }

  /// Checks the whole document and gives its value.
  /// - Parameter depthMax: deepest nesting of objects and arrays, at most 128.
  /// - Throws: `invalid_json`, `invalid_utf8`, `too_deep`.
  package func root(depthMax: Int = ActionLimits.depthMax) throws(AuditActionError) -> JSONSlice {
    try scan { (base, end) throws(JSONFault) in
      let start = try JSONGrammar.documentStart(base, end)
      let after = try JSONGrammar.skipValue(start, end, levels: min(depthMax, JSONGrammar.levelsMax))
      try JSONGrammar.documentEnd(after, end)
      return JSONSlice(kind: Self.kind(of: start.pointee), range: (start - base)..<(after - base))
    }
  }

  /// The members of an object, in the order they are written; names may repeat.
  /// - Parameter countMax: how many at most; more is an error, so that a hostile document costs no memory.
  /// - Throws: `invalid_json` for anything that is no object, or for more members than `countMax`.
  package func members(of object: JSONSlice, countMax: Int) throws(AuditActionError) -> [JSONMember] {
    try scan(object.range) { (base, start, end) throws(JSONFault) in
      guard start < end, start.pointee == 0x7B else { throw JSONFault(.unexpectedByte, at: start) }
      var members: [JSONMember] = []
      var cursor = JSONGrammar.skipWhiteSpace(start + 1, end)
      if cursor < end, cursor.pointee == 0x7D { return members }
      while true {
        guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
        guard cursor.pointee == 0x22 else { throw JSONFault(.expectedKey, at: cursor) }
        guard members.count < countMax else { throw JSONFault(.tooMany, at: cursor) }
        let nameEnd = try JSONGrammar.closingQuote(cursor + 1, end)
        let name = Self.text(UnsafeRawBufferPointer(start: cursor + 1, count: nameEnd - cursor - 1))
        let value = try JSONGrammar.skipColon(nameEnd + 1, end)
        let after = try JSONGrammar.skipValue(value, end, levels: JSONGrammar.levelsMax)
        let slice = JSONSlice(kind: Self.kind(of: value.pointee), range: (value - base)..<(after - base))
        members.append(JSONMember(name: name, value: slice))
        guard let next = try Self.nextItem(after, end, closing: 0x7D) else { return members }
        cursor = next
      }
    }
  }

  /// The elements of an array.
  /// - Parameter countMax: how many at most; more is an error.
  /// - Throws: `invalid_json` for anything that is no array, or for more elements than `countMax`.
  package func elements(of array: JSONSlice, countMax: Int) throws(AuditActionError) -> [JSONSlice] {
    try scan(array.range) { (base, start, end) throws(JSONFault) in
      guard start < end, start.pointee == 0x5B else { throw JSONFault(.unexpectedByte, at: start) }
      var elements: [JSONSlice] = []
      var cursor = JSONGrammar.skipWhiteSpace(start + 1, end)
      if cursor < end, cursor.pointee == 0x5D { return elements }
      while true {
        guard elements.count < countMax else { throw JSONFault(.tooMany, at: cursor) }
        let after = try JSONGrammar.skipValue(cursor, end, levels: JSONGrammar.levelsMax)
        elements.append(JSONSlice(kind: Self.kind(of: cursor.pointee), range: (cursor - base)..<(after - base)))
        guard let next = try Self.nextItem(after, end, closing: 0x5D) else { return elements }
        cursor = next
      }
    }
  }

  /// The bytes of a value as written. Valid as long as the document's are.
  package func bytes(of slice: JSONSlice) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: document[slice.range.clamped(to: 0..<document.count)])
  }

  /// The text of a string value, unescaped, with U+FFFD for unpaired surrogates; nil when it is no string.
  package func string(_ slice: JSONSlice) -> String? {
    let raw = bytes(of: slice)
    guard slice.kind == .string, raw.count >= 2 else { return nil }
    return Self.text(UnsafeRawBufferPointer(rebasing: raw[1..<(raw.count - 1)]))
  }

  /// The value of a number written as an integer; nil when it is none, has a fraction or exponent, or is outside
  /// `limits`.
  package func integer(_ slice: JSONSlice, in limits: ClosedRange<Int64>) -> Int64? {
    guard slice.kind == .number, let value = DecimalText.integer(bytes(of: slice)), limits.contains(value) else {
      return nil
    }
    return value
  }
}

extension JSONScanner {
  private typealias Cursor = JSONGrammar.Cursor

  private static func kind(of first: UInt8) -> JSONKind {
    switch first {
    case 0x7B: .object
    case 0x5B: .array
    case 0x22: .string
    case 0x74, 0x66: .boolean
    case 0x6E: .null
    default: .number
    }
  }

  private static func text(_ raw: UnsafeRawBufferPointer) -> String {
    guard raw.contains(0x5C) else { return String(decoding: raw, as: UTF8.self) }
    return String(decoding: JSONUnescape.decode(raw).bytes, as: UTF8.self)
  }

  /// The place of the next item after a comma; nil when the container closes here.
  private static func nextItem(_ after: Cursor, _ end: Cursor, closing: UInt8) throws(JSONFault) -> Cursor? {
    let cursor = JSONGrammar.skipWhiteSpace(after, end)
    guard cursor < end else { throw JSONFault(.truncated, at: cursor) }
    if cursor.pointee == closing { return nil }
    guard cursor.pointee == 0x2C else { throw JSONFault(.unexpectedByte, at: cursor) }
    return JSONGrammar.skipWhiteSpace(cursor + 1, end)
  }

  private func scan<Found>(
    _ body: (Cursor, Cursor) throws(JSONFault) -> Found
  ) throws(AuditActionError) -> Found {
    try scan(0..<document.count) { (base, _, end) throws(JSONFault) in try body(base, end) }
  }

  private func scan<Found>(
    _ range: Range<Int>, _ body: (Cursor, Cursor, Cursor) throws(JSONFault) -> Found
  ) throws(AuditActionError) -> Found {
    guard let base = document.baseAddress?.assumingMemoryBound(to: UInt8.self), document.count > 0 else {
      throw AuditActionError(.invalidJSON, "the document is empty; send a JSON value")
    }
    let range = range.clamped(to: 0..<document.count)
    do {
      return try body(base, base + range.lowerBound, base + range.upperBound)
    } catch {
      throw error.error(from: base)
    }
  }
}
