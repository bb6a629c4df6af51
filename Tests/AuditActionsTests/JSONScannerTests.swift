import AuditActions
import Testing

@Suite("Reading a document's structure")
struct JSONScannerTests {
  @Test("Members and elements give the bytes as written, white space inside included")
  func givesRawBytes() throws {
    let text = #" [ {"ttl": 60, "body" : { "event":"a",  "n": [1 , 2] } } , {"body":{}} ] "#
    try Array(text.utf8).withUnsafeBytes { bytes in
      let scanner = JSONScanner(bytes)
      let root = try scanner.root(depthMax: 66)
      #expect(root.kind == .array)
      let items = try scanner.elements(of: root, countMax: 2)
      try #require(items.count == 2)
      let members = try scanner.members(of: items[0], countMax: 2)
      #expect(members.map(\.name) == ["ttl", "body"])
      #expect(scanner.integer(members[0].value, in: 1...1_209_600) == 60)
      #expect(members[1].value.kind == .object)
      #expect(
        String(decoding: scanner.bytes(of: members[1].value), as: UTF8.self) == #"{ "event":"a",  "n": [1 , 2] }"#)
    }
  }

  @Test("More items than allowed are an error, not a large array")
  func limitsCounts() throws {
    try Array("[1,2,3]".utf8).withUnsafeBytes { bytes in
      let scanner = JSONScanner(bytes)
      let root = try scanner.root()
      #expect(try scanner.elements(of: root, countMax: 3).count == 3)
      #expect(throws: AuditActionError.self) { try scanner.elements(of: root, countMax: 2) }
    }
    try Array(#"{"a":1,"b":2}"#.utf8).withUnsafeBytes { bytes in
      let scanner = JSONScanner(bytes)
      let root = try scanner.root()
      #expect(throws: AuditActionError.self) { try scanner.members(of: root, countMax: 1) }
    }
  }

  @Test(
    "Integers are read exactly, and only integers within the limits",
    arguments: [
      ("0", 0), ("-0", 0), ("300", 300), ("9223372036854775807", Int64.max), ("-9223372036854775808", .min),
      ("9223372036854775808", nil), ("-9223372036854775809", nil), ("99999999999999999999999", nil), ("1.0", nil),
      ("1e2", nil), ("\"1\"", nil), ("true", nil), ("[1]", nil),
    ] as [(String, Int64?)])
  func readsIntegers(text: String, expected: Int64?) throws {
    try Array(text.utf8).withUnsafeBytes { bytes in
      let scanner = JSONScanner(bytes)
      let root = try scanner.root()
      #expect(scanner.integer(root, in: .min ... .max) == expected)
      if let expected, expected > 0 { #expect(scanner.integer(root, in: 0...(expected - 1)) == nil) }
    }
  }

  @Test(
    "Strings are unescaped; an unpaired surrogate becomes U+FFFD",
    arguments: [
      (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
      (#""\u0041\u00e9""#, "Aé"),
      (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00x""#, "😀x"), (#""\ud83d""#, "\u{FFFD}"), (#""\ude00a""#, "\u{FFFD}a"),
      (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\\u0041""#, "\\u0041"),
    ])
  func unescapes(text: String, expected: String) throws {
    try Array(text.utf8).withUnsafeBytes { bytes in
      let scanner = JSONScanner(bytes)
      let root = try scanner.root()
      #expect(scanner.string(root) == expected)
    }
  }

  @Test("A slice of another document gives errors, never a trap")
  func survivesForeignSlices() throws {
    let long = try scanRoot(Array("[\(String(repeating: "1,", count: 50))2]".utf8)).get()
    for text in ["", "[", "{}", "[1]", "\"a\"", "{\"a\":1}"] {
      Array(text.utf8).withUnsafeBytes { bytes in
        let scanner = JSONScanner(bytes)
        _ = try? scanner.elements(of: long, countMax: 10)
        _ = try? scanner.members(of: long, countMax: 10)
        _ = scanner.string(long)
        _ = scanner.integer(long, in: 0...1)
        #expect(scanner.bytes(of: long).count <= text.utf8.count)
      }
    }
  }
}
