/// An element of a small XML document, as S3's answers are: names without prefixes, text, no attributes kept.
///
/// A reader of our own, since what comes is hostile at worst and simple at best: no document types (and so no entity of
/// anybody's making), bounded depth and size, no C library. Attributes, comments, processing instructions and
/// namespaces are read over. Not a validator.
struct XMLElement: Sendable, Equatable {
  var name: String
  var text = ""
  var children: [XMLElement] = []

  static let depthMax = 32
  static let elementsMax = 200_000

  subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

  /// The root of a document; nil when it is not well-formed in the sense above.
  static func document(_ bytes: [UInt8]) -> XMLElement? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = XMLReader(bytes: bytes)
    return try? reader.document()
  }
}

private struct XMLReader {
  struct Malformed: Error {}

  let bytes: [UInt8]
  var position = 0
  var elements = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func document() throws -> XMLElement {
    try skipMisc()
    guard peek() == UInt8(ascii: "<") else { throw Malformed() }
    position += 1
    let root = try element(depth: 0)
    try skipMisc()
    guard position == bytes.count else { throw Malformed() }
    return root
  }

  /// From behind `<` to behind the end tag.
  private mutating func element(depth: Int) throws -> XMLElement {
    elements += 1
    guard depth < XMLElement.depthMax, elements <= XMLElement.elementsMax else { throw Malformed() }
    let name = try self.name()
    var element = XMLElement(name: Self.local(name))
    if try skipAttributes() { return element }
    var text: [UInt8] = []
    while true {
      guard let byte = next() else { throw Malformed() }
      switch byte {
      case UInt8(ascii: "&"):
        text += try reference()
      case UInt8(ascii: "<"):
        if take("/") {
          guard try self.name() == name else { throw Malformed() }
          skipSpace()
          guard take(">") else { throw Malformed() }
          element.text = String(decoding: text, as: UTF8.self)
          return element
        } else if take("!--") {
          try skip(past: "-->")
        } else if take("![CDATA[") {
          let start = position
          try skip(past: "]]>")
          text += bytes[start..<(position - 3)]
        } else if take("?") {
          try skip(past: "?>")
        } else {
          element.children.append(try self.element(depth: depth + 1))
        }
      default: text.append(byte)
      }
    }
  }

  /// - Returns: Whether the element has ended with its tag (`/>`).
  private mutating func skipAttributes() throws -> Bool {
    while true {
      let hadSpace = skipSpace()
      if take("/>") { return true }
      if take(">") { return false }
      guard hadSpace else { throw Malformed() }
      _ = try name()
      skipSpace()
      guard take("=") else { throw Malformed() }
      skipSpace()
      guard let quote = next(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { throw Malformed() }
      while true {
        guard let byte = next(), byte != UInt8(ascii: "<") else { throw Malformed() }
        if byte == quote { break }
      }
    }
  }

  /// From behind `&`: the five that XML has by itself, and numbers.
  private mutating func reference() throws -> [UInt8] {
    guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { throw Malformed() }
    let name = String(decoding: bytes[position..<end], as: UTF8.self)
    position = end + 1
    switch name {
    case "lt": return Array("<".utf8)
    case "gt": return Array(">".utf8)
    case "amp": return Array("&".utf8)
    case "quot": return Array("\"".utf8)
    case "apos": return Array("'".utf8)
    default:
      let number =
        name.hasPrefix("#x")
        ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
      guard let number, let scalar = Unicode.Scalar(number) else { throw Malformed() }
      return Array(String(Character(scalar)).utf8)
    }
  }

  private mutating func name() throws -> ArraySlice<UInt8> {
    let start = position
    while let byte = peek(), isWordByte(byte) || byte == UInt8(ascii: ":") || byte >= 0x80 { position += 1 }
    guard position > start else { throw Malformed() }
    return bytes[start..<position]
  }

  private static func local(_ name: ArraySlice<UInt8>) -> String {
    let start = name.lastIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? name.startIndex
    return String(decoding: name[start...], as: UTF8.self)
  }

  /// What may stand around the root: declarations, comments, space. Not a document type.
  private mutating func skipMisc() throws {
    while true {
      skipSpace()
      if take("<?") {
        try skip(past: "?>")
      } else if take("<!--") {
        try skip(past: "-->")
      } else {
        return
      }
    }
  }

  private mutating func skip(past end: StaticString) throws {
    while position < bytes.count {
      if take(end) { return }
      position += 1
    }
    throw Malformed()
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = position
    while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    return position > start
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard position + length <= bytes.count else { return false }
    for index in 0..<length where text.utf8Start[index] != bytes[position + index] { return false }
    position += length
    return true
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func next() -> UInt8? {
    guard let byte = peek() else { return nil }
    position += 1
    return byte
  }
}
