/// Swift source with comments and the contents of string literals blanked out, every line in its place, so that a
/// search finds code and nothing else. Knows nested comments, raw and multi-line strings, and interpolation (whose code
/// is blanked with the string it stands in).
struct SwiftCode {
  static func withoutCommentsAndText(_ source: String) -> String {
    var reader = SwiftCode(source)
    reader.readCode(untilClosingParenthesis: false)
    return String(decoding: reader.output, as: UTF8.self)
  }

  private let input: [UInt8]
  private var output: [UInt8]
  private var index = 0

  private init(_ source: String) {
    input = Array(source.utf8)
    output = input
  }

  private func byte(_ offset: Int = 0) -> UInt8 {
    index + offset < input.count ? input[index + offset] : 0
  }

  private func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
    text.withUTF8Buffer { wanted in
      index + offset + wanted.count <= input.count && wanted.indices.allSatisfy { wanted[$0] == byte(offset + $0) }
    }
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<count where index < input.count {
      if input[index] != UInt8(ascii: "\n") { output[index] = UInt8(ascii: " ") }
      index += 1
    }
  }

  private mutating func readCode(untilClosingParenthesis: Bool) {
    var depth = 0
    while index < input.count {
      if starts("//") {
        while index < input.count, byte() != UInt8(ascii: "\n") { blank(1) }
      } else if starts("/*") {
        readBlockComment()
      } else if byte() == UInt8(ascii: "\"") {
        readString(hashes: 0)
      } else if byte() == UInt8(ascii: "#"), let hashes = hashesBeforeQuote() {
        index += hashes
        readString(hashes: hashes)
      } else {
        if byte() == UInt8(ascii: "(") { depth += 1 }
        if byte() == UInt8(ascii: ")") {
          depth -= 1
          if untilClosingParenthesis, depth < 0 { return }
        }
        index += 1
      }
    }
  }

  private mutating func readBlockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        blank(2)
      } else if starts("*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && index < input.count
  }

  private func hashesBeforeQuote() -> Int? {
    var count = 0
    while byte(count) == UInt8(ascii: "#") { count += 1 }
    return byte(count) == UInt8(ascii: "\"") ? count : nil
  }

  private func hashes(_ count: Int, at offset: Int) -> Bool {
    (0..<count).allSatisfy { byte(offset + $0) == UInt8(ascii: "#") }
  }

  /// From the opening quote to behind the closing one; the quotes stay.
  private mutating func readString(hashes count: Int) {
    let isMultiLine = starts("\"\"\"")
    let quotes = isMultiLine ? 3 : 1
    index += quotes
    while index < input.count {
      if byte() == UInt8(ascii: "\\"), hashes(count, at: 1) {
        let isInterpolation = byte(1 + count) == UInt8(ascii: "(")
        blank(2 + count)
        if isInterpolation {
          let start = index
          readCode(untilClosingParenthesis: true)
          let end = index
          index = start
          blank(end - start + 1)
        }
      } else if isMultiLine ? starts("\"\"\"") : byte() == UInt8(ascii: "\""), hashes(count, at: quotes) {
        index += quotes + count
        return
      } else if !isMultiLine, byte() == UInt8(ascii: "\n") {
        return  // no string ends like this: it was no string
      } else {
        blank(1)
      }
    }
  }
}
