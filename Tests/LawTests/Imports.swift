/// The import declarations of a Swift file.
enum Imports {
  /// The top-level modules imported by `code` (comments and strings blanked), in order, with their line numbers from 1.
  static func modules(in code: String) -> [(line: Int, module: String)] {
    var found: [(line: Int, module: String)] = []
    for (number, line) in code.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      // `;` puts several statements on one line.
      for statement in line.split(separator: ";") {
        var words = statement.split(whereSeparator: \.isWhitespace)[...]
        while let word = words.first, word.hasPrefix("@") || levels.contains(word) { words.removeFirst() }
        guard words.first == "import" else { continue }
        words.removeFirst()
        if let kind = words.first, kinds.contains(kind) { words.removeFirst() }
        guard let path = words.first, let module = path.split(separator: ".").first else { continue }
        found.append((number + 1, String(module)))
      }
    }
    return found
  }

  private static let levels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
  private static let kinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "var", "let", "actor",
  ]
}
