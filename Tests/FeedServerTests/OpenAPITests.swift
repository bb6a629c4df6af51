import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite struct OpenAPITests {
  /// The paths of the document and the methods of each, read off its layout.
  static var paths: [String: [String]] {
    var paths: [String: [String]] = [:]
    var current: String?
    for line in OpenAPIDocument.text.split(separator: "\n") {
      if line.hasPrefix("components:") { break }
      if line.hasPrefix("  /") { current = String(line.dropFirst(2).dropLast()) }
      let text = line.trimmingCharacters(in: .whitespaces)
      if line.hasPrefix("    "), !line.hasPrefix("     "), let current,
        ["get:", "head:", "post:", "put:", "patch:", "delete:"].contains(text)
      {
        paths[current, default: []].append(text.dropLast().uppercased())
      }
    }
    return paths
  }

  @Test func `the document describes every route with its methods, and no other`() {
    var expected: [String: [String]] = [:]
    for route in FeedRoute.allCases {
      expected[route.rawValue] = route.methods
      if let alias = route.alias { expected[alias] = route.methods }
    }
    #expect(Self.paths == expected)
  }

  @Test func `every path of the document leads to its route`() throws {
    for route in FeedRoute.allCases {
      for template in [route.rawValue, route.alias].compactMap({ $0 }) {
        let path = template.replacing("{project}", with: "p").replacing("{queue}", with: "q").replacing(
          "{id}", with: "i"
        ).replacing("{source}", with: "s").replacing("{log}", with: "l")
        #expect(try RouteMatch(path: path[...])?.route == route)
      }
    }
  }

  @Test func `every reference leads to something, and everything is referred to`() throws {
    let text = OpenAPIDocument.text
    var referred: Set<String> = []
    for match in text.matches(of: /"#\/components\/([A-Za-z]+)\/([A-Za-z_-]+)"/.self) {
      referred.insert("\(match.1)/\(match.2)")
    }
    var defined: Set<String> = []
    var section = ""
    let components = try #require(text.range(of: "\ncomponents:\n"))
    for line in text[components.upperBound...].split(separator: "\n") {
      if line.hasPrefix("  "), !line.hasPrefix("   ") { section = String(line.dropFirst(2).dropLast()) }
      if line.hasPrefix("    "), !line.hasPrefix("     ") {
        defined.insert("\(section)/\(line.dropFirst(4).prefix { $0 != ":" })")
      }
    }
    #expect(referred.subtracting(defined).isEmpty)
    #expect(defined.subtracting(referred).isEmpty)
  }

  @Test func `operation ids are unique and every parameter read is described`() {
    let ids = OpenAPIDocument.text.split(separator: "\n").filter { $0.contains("operationId:") }
    #expect(Set(ids).count == ids.count)
    for name in PageRequest.knownParameters + PageRequest.toleratedParameters {
      #expect(OpenAPIDocument.text.contains("\n      name: \(name)\n"), "\(name)")
    }
  }

  @Test func `the document is served`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let answer = try await client.get("/openapi.yaml")
      #expect(answer.field("Content-Type") == "application/yaml")
      #expect(answer.text == OpenAPIDocument.text)
    }
  }
}
