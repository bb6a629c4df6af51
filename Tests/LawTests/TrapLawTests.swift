import Testing

@Suite("Input never traps")
struct TrapLawTests {
  /// What ends the process at a condition instead of throwing an error.
  private let traps = #/(^|[^.\w]|\bSwift\.)(fatalError|preconditionFailure)\s*\(|\btry!|\bas!/#
  /// A function of ours of that name is no trap (librdkafka calls an error that ends a client a fatal error).
  private let ownFunctions = #/\bfunc\s+(fatalError|preconditionFailure)\b/#

  @Test("no source calls for the end of the process")
  func sources() throws {
    let files = try Repository.swiftFiles(in: "Sources")
    #expect(!files.isEmpty, "the sources were not found")
    for file in files {
      for line in lines(ofTrapsIn: file.code) { Issue.record("\(file.path):\(line) traps") }
    }
  }

  @Test(
    "each way to trap is noticed",
    arguments: [
      "fatalError()", "fatalError (\"x\")", "preconditionFailure(\"x\")", "let a = try! f()", "let a = b as! C",
      "Swift.fatalError()",
    ])
  func brokenLaw(_ source: String) {
    #expect(lines(ofTrapsIn: source) == [1])
  }

  @Test(
    "what is no trap is not noticed",
    arguments: [
      "// fatalError(", "let a = \"try! again\"", "try f()", "a as? B", "myfatalError()", "client.fatalError(of: x)",
      "static func fatalError(of x: X) {", "if a != b {}",
    ])
  func keptLaw(_ source: String) {
    #expect(lines(ofTrapsIn: SwiftCode.withoutCommentsAndText(source)).isEmpty)
  }

  private func lines(ofTrapsIn code: String) -> [Int] {
    code.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { $1.replacing(ownFunctions, with: "").contains(traps) }.map { $0.offset + 1 }
  }
}
