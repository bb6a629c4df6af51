/// Finds declarations that leave their module, with their signatures.
enum Declarations {
  struct Declaration {
    /// From 1.
    let line: Int
    /// From the access modifier to the `{` of the body, to the `=` of a value, or to the end of the line.
    let signature: String
  }

  /// Every `public` or `package` declaration in `code` (comments and strings blanked), imports left out.
  static func exported(in code: String) -> [Declaration] {
    let lines = code.split(separator: "\n", omittingEmptySubsequences: false)
    var found: [Declaration] = []
    for (number, line) in lines.enumerated() {
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
      guard words.contains(where: { $0 == "public" || $0 == "package" || $0 == "open" }) else { continue }
      guard !words.contains("import") else { continue }
      found.append(Declaration(line: number + 1, signature: signature(from: lines[number...])))
    }
    return found
  }

  private static func signature(from lines: ArraySlice<Substring>) -> String {
    var signature = ""
    var depth = 0
    for line in lines {
      for character in line {
        switch character {
        case "(", "[", "<": depth += 1
        case ")", "]": depth -= 1
        case ">" where signature.last != "-": depth -= 1  // not the arrow of a result
        case "{", "=": if depth <= 0 { return signature }
        default: break
        }
        signature.append(character)
      }
      let end = signature.last { !$0.isWhitespace }
      if depth <= 0, end != ",", end != ">" || !signature.hasSuffix("->") { return signature }
      signature.append("\n")
    }
    return signature
  }
}
