/// JSON in the one form that bookkeeping objects have: UTF-8, members sorted by name, no white space, strings escaped
/// as little as RFC 8259 asks for, whole numbers only. `jq -cSj .` writes the same bytes.
enum CanonicalJSON: Sendable, Equatable {
  case null
  case integer(Int64)
  case string(String)
  case array([CanonicalJSON])
  case object([String: CanonicalJSON])

  static func optional(_ text: String?) -> CanonicalJSON { text.map { .string($0) } ?? .null }
  static func optional(_ number: Int64?) -> CanonicalJSON { number.map { .integer($0) } ?? .null }

  var bytes: [UInt8] {
    var result: [UInt8] = []
    append(to: &result)
    return result
  }

  private func append(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .integer(let value): bytes += String(value).utf8
    case .string(let value): JSONPiece.append(string: value.utf8, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      // Our names are ASCII, whose text order is that of its bytes.
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONPiece.append(string: member.key.utf8, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

/// Pieces of JSON text.
enum JSONPiece {
  /// A string in quotes; `utf8` is valid UTF-8.
  static func append(string utf8: some Sequence<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "\""): bytes += #"\""#.utf8
      case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
      case 0x08: bytes += #"\b"#.utf8
      case 0x09: bytes += #"\t"#.utf8
      case 0x0A: bytes += #"\n"#.utf8
      case 0x0C: bytes += #"\f"#.utf8
      case 0x0D: bytes += #"\r"#.utf8
      case 0..<0x20:
        bytes += #"\u00"#.utf8
        bytes += [Hex.digits[Int(byte >> 4)], Hex.digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

/// Hexadecimal and Base64 text of bytes.
enum Hex {
  static let digits = [UInt8]("0123456789abcdef".utf8)

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  /// 32 bytes written as 64 lower-case digits; nil for anything else.
  static func sha256(_ text: String) -> [UInt8]? {
    let utf8 = [UInt8](text.utf8)
    guard utf8.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = digits.firstIndex(of: utf8[index]), let low = digits.firstIndex(of: utf8[index + 1]) else {
        return nil
      }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}

enum Base64 {
  private static let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// RFC 4648, with padding.
  static func append(_ input: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + (input.count + 2) / 3 * 4)
    var index = 0
    while index < input.count {
      let left = input.count - index
      let a = input[index]
      let b = left > 1 ? input[index + 1] : 0
      let c = left > 2 ? input[index + 2] : 0
      bytes.append(alphabet[Int(a >> 2)])
      bytes.append(alphabet[Int((a & 3) << 4 | b >> 4)])
      bytes.append(left > 1 ? alphabet[Int((b & 15) << 2 | c >> 6)] : UInt8(ascii: "="))
      bytes.append(left > 2 ? alphabet[Int(c & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }
}
