import Testing

@Suite("The reader of Swift source")
struct SwiftCodeTests {
  @Test("blanks comments, nested ones too, and keeps every line in its place")
  func comments() {
    let code = SwiftCode.withoutCommentsAndText("a // fatalError(\n/* try! /* x */ as! */ b\n")
    #expect(code.contains("a"))
    #expect(code.contains("b"))
    #expect(!code.contains("fatalError"))
    #expect(!code.contains("!"))
    #expect(code.filter { $0 == "\n" }.count == 2)
  }

  @Test(
    "blanks what strings hold, and finds their ends",
    arguments: [
      #"let a = "x // y"; keep"#, #"let a = "\"x"; keep"#, ##"let a = #"x " \( y"#; keep"##,
      #"let a = "\(f("x", (1)))"; keep"#, #"let a = "\\"; keep"#, "let a = \"\"\"\n x \"quoted\" \\(y)\n \"\"\"; keep",
      ##"let a = #"x \#(y) "z""#; keep"##, #"let a = ""; keep"#, ####"let a = ##"x "# y"##; keep"####,
    ])
  func strings(_ source: String) {
    let code = SwiftCode.withoutCommentsAndText(source)
    #expect(code.hasSuffix("keep"))
    #expect(code.hasPrefix("let a = "))
    #expect(!code.contains("x"))
    #expect(!code.contains("y"))
    #expect(!code.contains("z"))
  }

  @Test("leaves macros and conditions alone")
  func hashes() {
    let source = "#if os(Linux)\n#expect(a == 1)\n#endif"
    #expect(SwiftCode.withoutCommentsAndText(source) == source)
  }
}
