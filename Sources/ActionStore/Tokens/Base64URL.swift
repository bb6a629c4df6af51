import Cprocessor

/// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5).
enum Base64URL {
  private static let hasInstructions = processor_has_base64url() != 0

  private static var alphabet: StaticString { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" }

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for value in 0..<64 { values[Int(alphabet.utf8Start[value])] = UInt8(value) }
    return values
  }()

  /// Characters of the text of `count` bytes.
  static func textBytes(of count: Int) -> Int { (count * 4 + 2) / 3 }

  /// Writes the text of `bytes`, which has to fit.
  static func encode(_ bytes: UnsafeRawBufferPointer, to text: UnsafeMutableRawBufferPointer) {
    precondition(text.count >= textBytes(of: bytes.count), "the text of \(bytes.count) bytes does not fit")
    if hasInstructions, let from = bytes.baseAddress, let to = text.baseAddress {
      processor_base64url(
        from.assumingMemoryBound(to: UInt8.self), bytes.count, to.assumingMemoryBound(to: UInt8.self))
    } else {
      encodeByTable(bytes, to: text)
    }
  }

  static func encodeByTable(_ bytes: UnsafeRawBufferPointer, to text: UnsafeMutableRawBufferPointer) {
    let alphabet = Self.alphabet.utf8Start
    var position = 0
    var index = 0
    while index + 3 <= bytes.count {
      let word = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
      text[position] = alphabet[Int(word >> 18)]
      text[position + 1] = alphabet[Int(word >> 12 & 63)]
      text[position + 2] = alphabet[Int(word >> 6 & 63)]
      text[position + 3] = alphabet[Int(word & 63)]
      position += 4
      index += 3
    }
    let left = bytes.count - index
    guard left > 0 else { return }
    let word = UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
    text[position] = alphabet[Int(word >> 18)]
    text[position + 1] = alphabet[Int(word >> 12 & 63)]
    if left > 1 { text[position + 2] = alphabet[Int(word >> 6 & 63)] }
  }

  /// Bytes of a text of `count` characters.
  static func bytes(ofText count: Int) -> Int { count * 3 / 4 }

  /// Writes the bytes of `text`, which have to fit. False unless the text is exactly what `encode` makes: no other
  /// characters, and no bits left over.
  static func decode(_ text: UnsafeRawBufferPointer, to bytes: UnsafeMutableRawBufferPointer) -> Bool {
    precondition(bytes.count >= Self.bytes(ofText: text.count), "the bytes of the text do not fit")
    guard text.count % 4 != 1 else { return false }
    return values.withUnsafeBufferPointer { values in
      var position = 0
      var word: UInt32 = 0
      var bits: UInt32 = 0
      for digit in text {
        let value = values[Int(digit)]
        guard value != 0xFF else { return false }
        word = word << 6 | UInt32(value)
        bits += 6
        if bits >= 8 {
          bits -= 8
          bytes[position] = UInt8(truncatingIfNeeded: word >> bits)
          position += 1
          word &= (1 << bits) - 1
        }
      }
      return word == 0
    }
  }
}
