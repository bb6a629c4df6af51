import AuditActions
import Foundation
import Testing

@Suite("The scanner beside Foundation's parser, on random documents")
struct JSONDifferentialTests {
  @Test("Documents made by the grammar are accepted by both")
  func agreesOnValidDocuments() {
    var generator = JSONGenerator(random: SeededRandom(seed: 1))
    for round in 0..<3_000 {
      let document = generator.document()
      #expect(isJSON(document), "round \(round): \(String(decoding: document, as: UTF8.self))")
      #expect(foundationAccepts(document), "round \(round): \(String(decoding: document, as: UTF8.self))")
    }
  }

  @Test("Documents with a few bytes changed are judged alike by both")
  func agreesOnMutatedDocuments() {
    var generator = JSONGenerator(random: SeededRandom(seed: 2))
    var refusals = 0
    for round in 0..<12_000 {
      let document = mutated(generator.document(), using: &generator.random)
      guard !foundationIsKnownToDiffer(on: document) else { continue }
      let accepts = isJSON(document)
      if !accepts { refusals += 1 }
      #expect(
        accepts == foundationAccepts(document), "round \(round): \(String(decoding: document, as: UTF8.self))")
    }
    #expect(refusals > 2_000, "the changes must break documents for the comparison to mean something")
  }

  @Test("Structure and text come out as Foundation sees them")
  func agreesOnContent() throws {
    var generator = JSONGenerator(random: SeededRandom(seed: 3))
    for _ in 0..<1_500 {
      let document = generator.document()
      let theirs = try JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
      try document.withUnsafeBytes { bytes in
        let scanner = JSONScanner(bytes)
        try expectEqual(scanner, try scanner.root(), theirs)
      }
    }
  }

  private func expectEqual(_ scanner: JSONScanner, _ slice: JSONSlice, _ theirs: Any) throws {
    switch slice.kind {
    case .object:
      let object = try #require(theirs as? [String: Any])
      let members = try scanner.members(of: slice, countMax: 100)
      #expect(Set(members.map(\.name)) == Set(object.keys))
      for member in members {
        try expectEqual(scanner, member.value, try #require(object[member.name]))
      }
    case .array:
      let array = try #require(theirs as? [Any])
      let elements = try scanner.elements(of: slice, countMax: 100)
      try #require(elements.count == array.count)
      for (element, value) in zip(elements, array) { try expectEqual(scanner, element, value) }
    case .string: #expect(scanner.string(slice) == theirs as? String)
    case .number:
      let number = try #require(theirs as? NSNumber)
      if let integer = scanner.integer(slice, in: .min ... .max) { #expect(integer == number.int64Value) }
    case .boolean: #expect(scanner.bytes(of: slice).count == ((theirs as? Bool) == true ? 4 : 5))
    case .null: #expect(theirs is NSNull)
    }
  }

  private func foundationAccepts(_ document: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)) != nil
  }

  /// Where Foundation is no judge: it detects UTF-16/32 and byte order marks by the first bytes, refuses unpaired
  /// surrogates and numbers a Double cannot hold, and it takes a comma before a closing bracket.
  private func foundationIsKnownToDiffer(on document: [UInt8]) -> Bool {
    let text = String(decoding: document, as: UTF8.self).lowercased()
    return document.prefix(4).contains { $0 == 0 || $0 >= 0x80 } || text.contains("\\ud")
      || text.contains(/,[ \t\r\n]*[\]}]/) || text.contains(/[0-9.]e[+-]?[0-9]{3,}/) || text.contains(/[0-9]{16,}/)
  }
}

/// Changes, removes, adds or repeats a few bytes.
func mutated(_ document: [UInt8], using random: inout SeededRandom) -> [UInt8] {
  var document = document
  let likely = Array("{}[]\",:\\tfnu0123456789.eE+- \n\u{0}\u{1F}".utf8) + [0x80, 0xC3, 0xED, 0xFF]
  for _ in 0..<Int.random(in: 1...3, using: &random) where !document.isEmpty {
    let place = Int.random(in: 0..<document.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: document[place] = likely[Int.random(in: 0..<likely.count, using: &random)]
    case 1: document[place] = UInt8.random(in: 0...255, using: &random)
    case 2: document.remove(at: place)
    case 3: document.insert(likely[Int.random(in: 0..<likely.count, using: &random)], at: place)
    default: document.insert(document[place], at: place)
    }
  }
  return document
}
