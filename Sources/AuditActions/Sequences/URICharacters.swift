/// The characters of a URI reference (RFC 3986, 2), as a set of bits, one an ASCII character: unreserved and reserved
/// ones, and `%` before two hexadecimal digits.
///
/// All of them are ASCII, so that two sources are equal only when their bytes are: Swift compares text by canonical
/// equivalence, in which a precomposed and a decomposed é are one.
enum URICharacters {
  /// `! # $ & ' ( ) * + , - . / : ; = ?` and the digits.
  private static let low: UInt64 = 0xAFFF_FFDA_0000_0000
  /// Letters and `@ [ ] _ ~`.
  private static let high: UInt64 = 0x47FF_FFFE_AFFF_FFFF

  @inline(__always)
  private static func contains(_ byte: UInt8) -> Bool {
    guard byte < 0x80 else { return false }
    let half = byte < 0x40 ? low : high
    return (half &>> UInt64(byte & 0x3F)) & 1 == 1
  }

  /// Whether no other character is among them. The places of the characters are not looked at.
  static func areReference(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      if contains(bytes[index]) {
        index += 1
      } else {
        guard bytes[index] == 0x25, bytes.count - index > 2, isHexadecimal(bytes[index + 1]),
          isHexadecimal(bytes[index + 2])
        else { return false }
        index += 3
      }
    }
    return true
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 }
}
