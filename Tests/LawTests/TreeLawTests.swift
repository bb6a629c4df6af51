import Foundation
import Testing

@Suite("The tree")
struct TreeLawTests {
  private static let topLevel: Set<String> = [
    "Package.swift", "Sources", "Tests", "Benchmarks", "docker", "Fixtures", "README.md", "Makefile", "LICENSE",
  ]

  /// Larger tracked files are data, not text to read for paths.
  private static let textBytesMax = 2 * 1024 * 1024

  @Test("the top level holds nothing but what a visitor expects there")
  func topLevelNames() throws {
    guard let paths = try Repository.trackedPaths() else { return }
    #expect(paths.count > 1, "git listed no files")
    #expect(strangers(among: paths).isEmpty)
  }

  @Test("no file names a path of somebody's machine or a package registry's host")
  func workplaces() throws {
    guard let paths = try Repository.trackedPaths() else { return }
    for path in paths where !path.hasPrefix("Fixtures/") {
      guard let bytes = try? Data(contentsOf: Repository.root.appending(path: path)), bytes.count <= Self.textBytesMax,
        let text = String(data: bytes, encoding: .utf8)
      else { continue }
      for line in lines(ofWorkplacesIn: text) { Issue.record("\(path):\(line) names a workplace or a registry") }
    }
  }

  @Test("a stranger at the top level is noticed")
  func brokenTopLevel() {
    #expect(strangers(among: ["Package.swift", "scripts/a.sh", ".ci/run", "notes.txt"]) == ["notes.txt", "scripts"])
  }

  @Test(
    "a workplace is noticed",
    arguments: ["cd /wo|rk/wt", "in=/ro|ot/.cache", "(/opt/sw|ift/usr)", "https://py|pi.org/"])
  func brokenWorkplaces(_ split: String) {
    #expect(lines(ofWorkplacesIn: split.replacing("|", with: "")) == [1])
  }

  @Test(
    "an ordinary path is not",
    arguments: ["Sources/work/a", "https://example.org/work/1", "/var/lib/strandline", "/rooted"])
  func keptWorkplaces(_ text: String) {
    #expect(lines(ofWorkplacesIn: text).isEmpty)
  }

  private func strangers(among paths: [String]) -> [String] {
    let names = Set(paths.map { String($0.prefix { $0 != "/" }) })
    return names.filter { !Self.topLevel.contains($0) && !$0.hasPrefix(".") }.sorted()
  }

  /// Written in pieces, so that this file does not offend.
  private static let workplaces = [
    ["wo", "rk"], ["ro", "ot"], ["opt/sw", "ift"], ["opt/wh", "eels"], ["home/", "[a-z]+"], ["Us", "ers/[a-z]+"],
  ].map { "(^|[^\\w./-])/" + $0.joined() + "/" }
  private static let registries = [
    ["py", "pi.org"], ["pythonho", "sted.org"], ["deb.deb", "ian.org"], ["security.deb", "ian.org"], ["npm", "js.org"],
    ["npm", "js.com"], ["crates", ".io"], ["rubyg", "ems.org"], ["proxy.go", "lang.org"],
  ].map { $0.joined() }

  private func lines(ofWorkplacesIn text: String) -> [Int] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { _, line in
      Self.registries.contains { line.contains($0) }
        || (line.contains("/") && Self.workplaces.contains { line.range(of: $0, options: .regularExpression) != nil })
    }.map { $0.offset + 1 }
  }
}
