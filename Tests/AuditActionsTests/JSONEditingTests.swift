import Foundation
import Testing

@testable import AuditActions

@Suite("Editing documents, on random ones")
struct JSONEditingTests {
  private func tree(_ bytes: [UInt8]) -> JSONTree? {
    bytes.withUnsafeBytes { bytes in try? JSONTree(bytes) }
  }

  @Test("a document taken apart and written again is the same document")
  func roundTrip() throws {
    var generator = JSONGenerator(random: SeededRandom(seed: 11))
    var taken = 0
    for _ in 0..<3_000 {
      // Names that stand twice, and unpaired surrogates in them, are refused.
      guard let first = tree(generator.document()) else { continue }
      taken += 1
      let second = try #require(tree(first.bytes))
      #expect(second.bytes == first.bytes)
      #expect(second.isSame(as: first))
      #expect(first.size.bytes <= first.bytes.count)
    }
    #expect(taken > 1_500)
  }

  @Test("merging agrees with the RFC's own algorithm over Foundation's values")
  func merging() throws {
    func merge(_ target: Any?, _ patch: Any) -> Any {
      guard let changes = patch as? [String: Any] else { return patch }
      var result = target as? [String: Any] ?? [:]
      for (name, value) in changes {
        if value is NSNull { result[name] = nil } else { result[name] = merge(result[name], value) }
      }
      return result
    }
    func value(_ bytes: [UInt8]) throws -> Any {
      try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }
    var random = SeededRandom(seed: 12)
    // Few names, so that they meet.
    func document(_ depth: Int) -> String {
      switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
      case 0: return "null"
      case 1: return String(Int.random(in: 0..<5, using: &random))
      case 2: return #""text""#
      case 3: return "[1,null]"
      default:
        let names = ["a", "b", "c", "d"].filter { _ in Bool.random(using: &random) }
        return "{" + names.map { "\"\($0)\":\(document(depth - 1))" }.joined(separator: ",") + "}"
      }
    }
    for round in 0..<3_000 {
      let (target, patch) = (Array(document(4).utf8), Array(document(4).utf8))
      var mine = try #require(tree(target))
      mine.merge(try #require(tree(patch)))
      let theirs = merge(try value(target), try value(patch))
      #expect(
        try value(mine.bytes) as? NSObject == theirs as? NSObject,
        "round \(round): \(String(decoding: target, as: UTF8.self)) \(String(decoding: patch, as: UTF8.self))")
    }
  }

  @Test("no patch traps, and none makes a document that is not one, or is too large or too deep")
  func patches() {
    let bytesMax = 2_000
    let pointers = ["", "/", "/a", "/a/0", "/a/-", "/b/a", "/a/b/c", "/~1", "/a/1", "/b", "/b/b", "//"]
    var generator = JSONGenerator(random: SeededRandom(seed: 13))
    var applied = 0
    for round in 0..<20_000 {
      let kinds = ["add", "remove", "replace", "move", "copy", "test"]
      let operations = (0..<Int.random(in: 1...12, using: &generator.random)).map { _ in
        func pick(_ texts: [String]) -> String { texts.randomElement(using: &generator.random) ?? "" }
        let value = pick(["1", "{}", "[]", #"{"a":[1,2],"b":{"a":1}}"#, "null", "[[],{}]"])
        return #"{"op":"\#(pick(kinds))","path":"\#(pick(pointers))","from":"\#(pick(pointers))","value":\#(value)}"#
      }
      var bytes = Array("[\(operations.joined(separator: ","))]".utf8)
      if round % 4 == 0 { bytes = mutated(bytes, using: &generator.random) }
      guard let patch = bytes.withUnsafeBytes({ try? JSONPatch($0) }),
        let document = tree(Array(#"{"a":[1,2],"b":{"a":{},"b":null},"":0}"#.utf8)),
        let (result, bytesKept) = try? patch.applied(to: document, bytesMax: bytesMax)
      else { continue }
      applied += 1
      #expect(tree(result.bytes) != nil, "round \(round)")
      #expect(bytesKept == result.size.bytes, "round \(round)")
      #expect(result.size.bytes <= bytesMax && result.size.depth <= ActionLimits.depthMax)
    }
    #expect(applied > 500, "most patches fail: enough must not for this to mean something")
  }

  /// An object of members `n0`, `n1`, ….
  private func object(_ names: Range<Int>, _ value: JSONTree) -> JSONTree {
    .object(names.map { JSONTree.Member("n\($0)", value) })
  }

  @Test(
    "merging costs what document and patch are long, not their product: that would take half an hour",
    .timeLimit(.minutes(10)))
  func longMerge() throws {
    // A second or two, in a debug build.
    let count = 50_000
    var document = object(0..<count, .scalar(.number, [0x31]))
    // Half of the names are the document's.
    document.merge(object((count / 2)..<(count + count / 2), .scalar(.number, [0x32])))
    guard case .object(let members) = document else {
      Issue.record("an object stays one")
      return
    }
    #expect(members.count == count + count / 2)
    #expect(members[count / 2 - 1].value.integer == 1 && members[count / 2].value.integer == 2)
    document.merge(object(1..<(count + count / 2), .null))
    #expect(String(decoding: document.bytes, as: UTF8.self) == #"{"n0":1}"#)
  }

  @Test("as many operations as allowed over thousands of members: each is done, and the size stays known")
  func longPatch() throws {
    let count = 6_000
    let document = object(0..<count, .scalar(.number, [0x31]))
    let operations = (0..<JSONPatch.operationsMax).map { number in
      let name = "n\(number * 40)"
      switch number % 5 {
      case 0: return #"{"op":"replace","path":"/\#(name)","value":{"a":[1]}}"#
      case 1: return #"{"op":"remove","path":"/\#(name)"}"#
      case 2: return #"{"op":"move","from":"/\#(name)","path":"/m\#(number)"}"#
      case 3: return #"{"op":"copy","from":"/\#(name)","path":"/c\#(number)"}"#
      default: return #"{"op":"test","path":"/\#(name)","value":1.0}"#
      }
    }
    let text = Array("[\(operations.joined(separator: ","))]".utf8)
    let patch = try text.withUnsafeBytes { try JSONPatch($0) }
    let (result, bytes) = try patch.applied(to: document, bytesMax: QueueDocument.bytesMax)
    #expect(bytes == result.size.bytes)
    guard case .object(let members) = result else {
      Issue.record("an object stays one")
      return
    }
    #expect(members.count == count - 1)
    #expect(result["n0"]?["a"] != nil && result["n40"] == nil && result["n80"] == nil && result["m2"]?.integer == 1)
    #expect(result["c3"]?.integer == 1 && document["n40"]?.integer == 1)
  }

  @Test("no text given as metadata traps, and what is taken is taken again byte for byte")
  func documents() throws {
    let members = [
      #""enabled":true"#, #""ttl":600"#, #""events":["A","B"]"#, #""ttl":0"#, #""x":1"#, #""events":[1]"#,
      #""retention":{}"#,
    ]
    var random = SeededRandom(seed: 14)
    var taken = 0
    for round in 0..<20_000 {
      let audit = members.filter { _ in Int.random(in: 0..<5, using: &random) == 0 }.joined(separator: ",")
      var bytes = Array(#"{ "audit": {\#(audit)}, "own": [1.50, "é"] }"#.utf8)
      if round % 2 == 0 { bytes = mutated(bytes, using: &random) }
      guard let document = try? QueueDocument(bytes) else { continue }
      taken += 1
      #expect(try QueueDocument(document.bytes) == document)
      #expect(document.audit.timeToLive.map { (1...1_209_600).contains($0.seconds) } ?? true)
    }
    #expect(taken > 2_000)
  }
}
