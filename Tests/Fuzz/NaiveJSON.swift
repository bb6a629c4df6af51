/// RFC 8259 read word for word, slowly, by other means than the product: recursive descent over an array, UTF-8 by the
/// standard library. What the two say of a document must be the same.
indirect enum NaiveJSON {
  case null
  case boolean(Bool)
  /// As written.
  case number([UInt8])
  /// Unescaped UTF-16: it may hold unpaired surrogates, as the RFC lets it.
  case string([UInt16])
  case array([NaiveJSON])
  case object([(name: [UInt16], value: NaiveJSON)])

  struct Fault: Error {}

  /// Nil when the bytes are no JSON text of valid UTF-8 with at most `depthMax` levels.
  static func parse(_ bytes: [UInt8], depthMax: Int) -> NaiveJSON? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var parser = Parser(bytes: bytes)
    do {
      parser.skipSpace()
      let value = try parser.value(levels: depthMax)
      parser.skipSpace()
      return parser.position == bytes.count ? value : nil
    } catch { return nil }
  }

  /// What the record contract asks of a body: an object with one `event`, a string of 1…256 bytes without control
  /// characters and without unpaired surrogates.
  var event: String? {
    guard case .object(let members) = self else { return nil }
    let events = members.filter { $0.name == Array("event".utf16) }
    guard events.count == 1, case .string(let units) = events[0].value,
      let text = String(validating: units, as: UTF16.self), (1...256).contains(text.utf8.count),
      !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { return nil }
    return text
  }

  private struct Parser {
    let bytes: [UInt8]
    var position = 0

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
      while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    mutating func take(_ text: StaticString) throws(Fault) {
      for index in 0..<text.utf8CodeUnitCount {
        guard next == text.utf8Start[index] else { throw Fault() }
        position += 1
      }
    }

    mutating func value(levels: Int) throws(Fault) -> NaiveJSON {
      switch next {
      case UInt8(ascii: "n"):
        try take("null")
        return .null
      case UInt8(ascii: "t"):
        try take("true")
        return .boolean(true)
      case UInt8(ascii: "f"):
        try take("false")
        return .boolean(false)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "["):
        guard levels > 0 else { throw Fault() }
        return .array(try items(UInt8(ascii: "]")) { parser throws(Fault) in try parser.value(levels: levels - 1) })
      case UInt8(ascii: "{"):
        guard levels > 0 else { throw Fault() }
        return .object(
          try items(UInt8(ascii: "}")) { parser throws(Fault) in
            let name = try parser.string()
            parser.skipSpace()
            try parser.take(":")
            parser.skipSpace()
            return (name, try parser.value(levels: levels - 1))
          })
      default: return .number(try number())
      }
    }

    mutating func items<Item>(
      _ close: UInt8, _ item: (inout Parser) throws(Fault) -> Item
    ) throws(Fault) -> [Item] {
      position += 1
      skipSpace()
      if next == close {
        position += 1
        return []
      }
      var items: [Item] = []
      while true {
        items.append(try item(&self))
        skipSpace()
        if next == close {
          position += 1
          return items
        }
        try take(",")
        skipSpace()
      }
    }

    /// number = [ "-" ] int [ frac ] [ exp ]
    mutating func number() throws(Fault) -> [UInt8] {
      let start = position
      if next == UInt8(ascii: "-") { position += 1 }
      if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
      if next == UInt8(ascii: ".") {
        position += 1
        try digits()
      }
      if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
        position += 1
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
        try digits()
      }
      return Array(bytes[start..<position])
    }

    mutating func digits() throws(Fault) {
      let start = position
      while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
      if position == start { throw Fault() }
    }

    mutating func string() throws(Fault) -> [UInt16] {
      try take("\"")
      var units: [UInt16] = []
      var plain = position
      // Runs without escapes are whole UTF-8: the document has been checked.
      func flush(_ end: Int) { units += Array(String(decoding: bytes[plain..<end], as: UTF8.self).utf16) }
      while let byte = next {
        switch byte {
        case UInt8(ascii: "\""):
          flush(position)
          position += 1
          return units
        case 0..<0x20: throw Fault()
        case UInt8(ascii: "\\"):
          flush(position)
          position += 1
          units.append(try escape())
          plain = position
        default: position += 1
        }
      }
      throw Fault()
    }

    mutating func escape() throws(Fault) -> UInt16 {
      guard let letter = next else { throw Fault() }
      position += 1
      switch letter {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt16(letter)
      case UInt8(ascii: "b"): return 0x08
      case UInt8(ascii: "f"): return 0x0C
      case UInt8(ascii: "n"): return 0x0A
      case UInt8(ascii: "r"): return 0x0D
      case UInt8(ascii: "t"): return 0x09
      case UInt8(ascii: "u"):
        guard bytes.count - position >= 4 else { throw Fault() }
        let digits = bytes[position..<(position + 4)]
        // `UInt16(_:radix:)` would take a sign.
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }),
          let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw Fault() }
        position += 4
        return unit
      default: throw Fault()
      }
    }
  }
}
