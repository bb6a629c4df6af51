/// Steps through bytes from front to end; never beyond.
struct ByteScanner {
  private let base: UnsafeRawBufferPointer
  private(set) var position: Int
  private let end: Int

  /// - Parameter end: at most the count of `bytes`.
  init(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
    base = bytes
    position = start
    self.end = min(end, bytes.count)
  }

  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: base[range]) }

  /// Goes past a text if it stands here.
  @inline(__always)
  mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard count <= end &- position else { return false }
    for index in 0..<count where base[position &+ index] != text.utf8Start[index] { return false }
    position &+= count
    return true
  }

  /// Goes past one or more characters; nil when there is none.
  @inline(__always)
  mutating func characters(while isOne: (UInt8) -> Bool) -> Range<Int>? {
    let start = position
    while position < end, isOne(base[position]) { position &+= 1 }
    return position > start ? start..<position : nil
  }

  /// Goes past the name of a project or queue.
  mutating func name(charactersMax: Int) -> Range<Int>? {
    guard let range = characters(while: Self.isName), range.count <= charactersMax else { return nil }
    // `.` and `..` are no names.
    return range.count <= 2 && range.allSatisfy { base[$0] == 0x2E } ? nil : range
  }

  /// Goes past a decimal number.
  mutating func number(digitsMax: Int) -> Int? {
    guard let digits = characters(while: { $0 >= 0x30 && $0 <= 0x39 }), digits.count <= digitsMax else { return nil }
    return digits.reduce(0) { $0 * 10 + Int(base[$1] - 0x30) }
  }

  /// Whether a range holds a text; capitals and small letters are the same.
  /// - Parameter lowercase: ASCII in lower case.
  func equals(_ range: Range<Int>, _ lowercase: StaticString) -> Bool {
    guard range.count == lowercase.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      let byte = base[range.lowerBound &+ index]
      guard (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == lowercase.utf8Start[index] else { return false }
    }
    return true
  }

  /// `A-Z a-z 0-9 _ . -`, as ``AuditActions/QueueAddress`` has it.
  @inline(__always)
  static func isName(_ byte: UInt8) -> Bool { isTokenText(byte) || byte == 0x2E }

  /// What markers are made of: base64url.
  @inline(__always)
  static func isTokenText(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
  }

  /// Letters, digits, `-` and `_`: RFC 9110's tokens have more, but no field of weight does.
  @inline(__always)
  static func isFieldName(_ byte: UInt8) -> Bool { isTokenText(byte) }

  /// Visible ASCII and spaces.
  @inline(__always)
  static func isFieldValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }
}
