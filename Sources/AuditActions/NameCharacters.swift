/// The characters of project and queue names, `A-Z a-z 0-9 _ . -`, as a set of bits, one an ASCII character.
enum NameCharacters {
  /// `-`, `.` and the digits.
  private static let low: UInt64 = 0x03FF_6000_0000_0000
  /// Letters and `_`.
  private static let high: UInt64 = 0x07FF_FFFE_87FF_FFFE

  @inline(__always)
  static func contains(_ byte: UInt8) -> Bool {
    guard byte < 0x80 else { return false }
    let half = byte < 0x40 ? low : high
    return (half &>> UInt64(byte & 0x3F)) & 1 == 1
  }

  /// How many bytes from `start` on are name characters.
  @inline(__always)
  static func prefixCount(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while index < bytes.count, contains(bytes[index]) { index += 1 }
    return index - start
  }

  static func isName(_ name: String, charactersMax: Int) -> Bool {
    let count = name.utf8.count
    return count >= 1 && count <= charactersMax && name.utf8.allSatisfy(contains) && name != "." && name != ".."
  }

  /// `.` and `..` are steps in a path (RFC 3986, 3.3): clients and gateways take them out of a URL, so that nothing
  /// under such a name could be read.
  @inline(__always)
  static func isDotSegment(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Bool {
    (count == 1 || count == 2) && bytes[start] == 0x2E && bytes[start + count - 1] == 0x2E
  }
}
