import AuditActions
import Testing

@Suite("RFC 8259, strictly")
struct JSONGrammarTests {
  @Test("Every construct of the grammar is accepted", arguments: JSONGrammarTests.accepted)
  func accepts(text: String) {
    let result = scanRoot(Array(text.utf8))
    #expect(code(of: result) == nil, "\(result)")
  }

  @Test("Everything else is refused as invalid_json", arguments: JSONGrammarTests.refused)
  func refuses(text: String) {
    #expect(code(of: scanRoot(Array(text.utf8))) == .invalidJSON)
  }

  @Test("A string that is not well-formed UTF-8 is refused as invalid_utf8", arguments: JSONGrammarTests.malformedUTF8)
  func refusesMalformedUTF8(bytes: [UInt8]) {
    // At every distance from the ends, so that the eight-byte steps meet it in every place.
    for before in 0..<10 {
      for after in 0..<10 {
        let text = [0x22] + [UInt8](repeating: 0x61, count: before) + bytes + [UInt8](repeating: 0x62, count: after)
        #expect(code(of: scanRoot(text + [0x22])) == .invalidUTF8, "\(before) before, \(after) after")
      }
    }
  }

  @Test("Every Unicode scalar value passes as it is, and as escapes, at any distance from the ends")
  func acceptsEveryScalar() {
    var text: [UInt8] = [0x5B, 0x22]
    for value in UInt32(0x20)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value), value != 0x22, value != 0x5C else { continue }
      text += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
    text += [0x22, 0x5D]
    #expect(isJSON(text))
    for unit in stride(from: 0, through: 0xFFFF, by: 7) {
      let digits = String(unit, radix: 16)
      let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      #expect(isJSON(Array("\"\(escape)\"".utf8)))
      #expect(isJSON(Array("\"\(escape.dropLast(4))\(digits.uppercased().leftPadded(to: 4))\"".utf8)))
    }
  }

  @Test("Every control character is refused in a string, wherever it stands")
  func refusesControlCharacters() {
    for control in UInt8(0)..<0x20 {
      // Alone in the last bytes of the document, and at each place of the first two blocks of sixteen.
      for before in 0..<33 {
        for after in [0, 11, 32] {
          let head = [UInt8](repeating: 0x61, count: before)
          let tail = [UInt8](repeating: 0x62, count: after)
          let text = [0x22] + head + [control] + tail + [0x22]
          #expect(code(of: scanRoot(text)) == .invalidJSON)
        }
      }
    }
  }

  @Test("A control character, a quote or a backslash is found behind any neighbour, though borrows cross bytes")
  func findsSpecialBytesBehindAnyNeighbour() {
    for neighbour in UInt8(0x20)..<0x80 where neighbour != 0x22 && neighbour != 0x5C {
      for place in 1..<34 {
        let run = [UInt8](repeating: neighbour, count: place)
        #expect(code(of: scanRoot([0x22] + run + [0x1F] + run + [0x22])) == .invalidJSON)
        #expect(code(of: scanRoot([0x22] + run + [0x22] + run)) == .invalidJSON || neighbour == 0x20)
        #expect(isJSON([0x22] + run + [0x5C, 0x6E] + run + [0x22]))
      }
    }
  }

  @Test("64 levels are accepted and 65 refused, for arrays, objects and both in turn")
  func limitsDepth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
      let levels = open.hasPrefix("[{") ? 2 : 1
      for depth in [1, 2, 63, 64, 65, 66, 200, 100_000] {
        let count = depth / levels
        let text = String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
        let expected: AuditActionError.Code? = count * levels <= 64 ? nil : .tooDeep
        #expect(code(of: scanRoot(Array(text.utf8))) == expected, "\(open) \(depth)")
      }
    }
    #expect(code(of: scanRoot(Array(String(repeating: "[", count: 65).utf8))) == .tooDeep)
    #expect(code(of: scanRoot(Array(String(repeating: "[", count: 64).utf8))) == .invalidJSON)
  }

  @Test("Empty containers count as a level too")
  func countsEmptyContainers() {
    let inside = String(repeating: "[", count: 63)
    let outside = String(repeating: "]", count: 63)
    #expect(isJSON(Array("\(inside){}\(outside)".utf8)))
    #expect(code(of: scanRoot(Array("\(inside)[[]]\(outside)".utf8))) == .tooDeep)
  }

  static let accepted: [String] = [
    "0", "-0", "1", "-1", "10", "123456789012345678901234567890", "0.5", "-0.0", "1.0", "1e1", "1E1", "1e+1", "1e-1",
    "0e0", "0.1e10", "1.5E+308", "1e999", "-1e-999", "true", "false", "null", "\"\"", "\"a\"", "[]", "{}", "[ ]", "{ }",
    "\t\r\n 1 \t\r\n", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]", "[{}]", "{\"a\":1}", "{\"a\":1,\"b\":2}",
    "{ \"a\" : 1 , \"b\" : 2 }", "{\"\":0}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":{\"c\":[]}}}", "[null,true,false]",
    #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9\u00E9""#, #""\ud83d\ude00""#, #""\uD800""#, #""\uDC00\uD800""#,
    #""\u0022""#, "\"\u{7F}\"", "\"\u{2028}\u{2029}\"", "\"\u{FEFF}\"", "\"\u{FFFF}\"", "\"\u{10FFFF}\"", "\"/\"",
    "[\"a long string that takes several steps of eight bytes\",\"b\"]", "[1,\n2]", "{\"a\":[1,{\"b\":\"c\"}]}",
  ]

  static let refused: [String] = [
    "", " ", "\n", "\u{FEFF}1", "\u{FEFF}", "+1", "-", "--1", "01", "-01", "00", "1.", ".1", "-.1", "1.e1", "1e", "1e+",
    "1e-", "1e+-1", "1ee1", "0x10", "1_000", "1,", "1 2", "NaN", "Infinity", "-Infinity", "tru", "truE", "TRUE", "True",
    "nul", "nulll", "falsee", "undefined", "\"", "\"a", "'a'", "\"\\\"", "\"\\", "\"\\a\"", "\"\\'\"", "\"\\0\"",
    "\"\\U0041\"", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\u+123\"",
    "\"\\x41\"", "\"\\\n\"", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "\"a\" \"b\"", "\"a\"b", "[", "]", "[1", "[1,",
    "[1,]",
    "[,1]", "[,]", "[1,,2]", "[1 2]", "[1;2]", "[1]]", "[1}", "[\"a", "[\"a\"", "[1:2]", "[a]", "[*]", "[-]", "[//]",
    "{", "}", "{]", "[}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,\"a\":1}", "{\"a\"}",
    "{\"a\",1}", "{\"a\":}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{a:1}", "{1:1}",
    "{null:1}", "{[]:1}", "{'a':1}", "{\"a\":1}}", "{\"a\":1]", "{\"a\":1}{", "{\"a\":1} 2", "{\"a\":1}#",
    "{\"a\":1}/**/",
    "/**/1", "//\n1", "[1]//", "\u{A0}1", "1\u{A0}", "\u{2028}1", "1\u{0}", "\u{0}", "\u{C}1", "\u{B}1", "é", "[é]",
    "{\"a\":é}", "\u{1F600}", "<null>", "[<null>]", "{\"a\":1,\"b\"}", "{\"a\":\"b\":1}", "[\"a\":1]", "\\u005B\\u005D",
    "[1,2", "[[1,2]", "{\"a\":[}", "{\"a\":{]}", "-a", "1a", "1.5.5", "1e5.5", "1e1e1", "- 1", "1 e5", "1. 5", "t", "f",
    "n",
  ]

  static let malformedUTF8: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xC2, 0xC2], [0xDF, 0xC0],
    [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1], [0xE1, 0x80], [0xE1, 0x80, 0x20], [0xE1, 0x20, 0x80],
    [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
    [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
    [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF0, 0x90, 0x20, 0x80],
    [0xF1, 0x80, 0x80, 0x20], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
    [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xC3, 0xA9, 0x80], [0xE9],
  ]
}

extension String {
  fileprivate func leftPadded(to count: Int) -> String {
    String(repeating: "0", count: Swift.max(0, count - self.count)) + self
  }
}
