import Foundation

/// What Package.swift says about its targets, read as text: asking the package manager from within its own test run
/// would wait for its lock.
struct Manifest {
  struct Target: Equatable {
    var name: String
    /// Targets of this package.
    var targets: [String] = []
    /// Products of other packages.
    var products: [String] = []
    var isTest = false
    /// The folder given by `path:`; nil for the usual place.
    var path: String?
  }

  let targets: [Target]

  init(text: String) {
    var targets: [Target] = []
    let code = Manifest.withoutLineComments(text)
    let start = code.range(of: "\n  targets: [")?.upperBound ?? code.startIndex
    let calls = #/\.(target|executableTarget|testTarget|systemLibrary)\(/#
    var rest = code[start...]
    while let call = rest.firstMatch(of: calls) {
      let (arguments, end) = Manifest.balanced(rest[call.range.upperBound...])
      rest = rest[end...]
      guard let name = arguments.firstMatch(of: #/name:\s*"([^"]+)"/#) else { continue }
      var target = Target(name: String(name.1))
      target.isTest = call.1 == "testTarget"
      target.path = arguments.firstMatch(of: #/path:\s*"([^"]+)"/#).map { String($0.1) }
      if let list = arguments.firstMatch(of: #/dependencies:\s*\[/#) {
        var (dependencies, _) = Manifest.balanced(arguments[list.range.upperBound...])
        for product in dependencies.matches(of: #/\.product\(\s*name:\s*"([^"]+)"[^)]*\)/#) {
          target.products.append(String(product.1))
        }
        dependencies = dependencies.replacing(#/\.product\([^)]*\)/#, with: "")[...]
        for name in dependencies.matches(of: #/"([^"]+)"/#) { target.targets.append(String(name.1)) }
      }
      targets.append(target)
    }
    self.targets = targets
  }

  /// The text up to the bracket that closes what is open where `text` begins, and the place behind it.
  private static func balanced(_ text: Substring) -> (Substring, Substring.Index) {
    var depth = 0
    for index in text.indices {
      switch text[index] {
      case "(", "[": depth += 1
      case ")", "]":
        if depth == 0 { return (text[..<index], text.index(after: index)) }
        depth -= 1
      default: break
      }
    }
    return (text, text.endIndex)
  }

  private static func withoutLineComments(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.drop(while: \.isWhitespace).hasPrefix("//") ? "" : String($0) }.joined(separator: "\n")
  }
}
