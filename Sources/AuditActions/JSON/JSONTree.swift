/// A JSON document taken apart, for documents that are edited: members keep their order, and strings, numbers and
/// words the bytes they were written with.
package indirect enum JSONTree: Sendable {
  case object([Member])
  case array([JSONTree])
  /// A string, a number, `true`, `false` or `null`, as written.
  case scalar(JSONKind, [UInt8])

  package struct Member: Sendable {
    package var name: String
    package var value: JSONTree

    package init(_ name: String, _ value: JSONTree) {
      self.name = name
      self.value = value
    }

    /// By code points: `==` of Swift's strings takes é for e and an accent. It is asked first, as it is much faster.
    func isNamed(_ other: String) -> Bool { name == other && name.utf8.elementsEqual(other.utf8) }
  }

  package static let null = JSONTree.scalar(.null, Array("null".utf8))

  /// Takes a document apart.
  ///
  /// Names must be told apart by every reader, or an edit would not be of what its author sees: no object may have a
  /// name twice, and none may hold an unpaired surrogate, which no UTF-8 text can.
  /// - Parameter depthMax: deepest nesting of objects and arrays.
  /// - Throws: `invalid_json`, `invalid_utf8`, `too_deep`.
  package init(
    _ document: UnsafeRawBufferPointer, depthMax: Int = ActionLimits.depthMax
  ) throws(AuditActionError) {
    let scanner = JSONScanner(document)
    self = try Self.value(scanner, try scanner.root(depthMax: depthMax), JSONPointer.root)
  }

  /// Recurses as deep as the document, which has been checked for that.
  private static func value(
    _ scanner: JSONScanner, _ slice: JSONSlice, _ pointer: JSONPointer
  ) throws(AuditActionError) -> JSONTree {
    switch slice.kind {
    case .object:
      var members: [Member] = []
      // By their bytes: Swift takes texts for the same that only look the same.
      var names: Set<[UInt8]> = []
      for member in try scanner.members(of: slice, countMax: slice.range.count) {
        let place = pointer.appending(member.name)
        guard !member.name.unicodeScalars.contains("\u{FFFD}") else {
          throw AuditActionError(
            .invalidJSON, "a member's name is no valid text; write it without unpaired surrogates and U+FFFD",
            parameter: place.text)
        }
        guard names.insert(Array(member.name.utf8)).inserted else {
          throw AuditActionError(.invalidJSON, "a member stands twice; send it once", parameter: place.text)
        }
        members.append(Member(member.name, try value(scanner, member.value, place)))
      }
      return .object(members)
    case .array:
      var elements: [JSONTree] = []
      for (index, element) in try scanner.elements(of: slice, countMax: slice.range.count).enumerated() {
        elements.append(try value(scanner, element, pointer.appending(String(index))))
      }
      return .array(elements)
    default:
      return .scalar(slice.kind, Array(scanner.bytes(of: slice)))
    }
  }

  /// The document, without white space between its parts.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  private func append(to bytes: inout [UInt8]) {
    switch self {
    case .object(let members):
      bytes.append(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        JSONWriter.append(member.name, to: &bytes)
        bytes.append(0x3A)
        member.value.append(to: &bytes)
      }
      bytes.append(0x7D)
    case .array(let elements):
      bytes.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        element.append(to: &bytes)
      }
      bytes.append(0x5D)
    case .scalar(_, let text):
      bytes.append(contentsOf: text)
    }
  }

  package subscript(name: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.isNamed(name) }?.value
  }

  /// The text of a string, unescaped; nil for anything else.
  package var string: String? {
    guard case .scalar(.string, let raw) = self, raw.count >= 2 else { return nil }
    return raw.withUnsafeBytes {
      String(
        decoding: JSONUnescape.decode(UnsafeRawBufferPointer(rebasing: $0[1..<(raw.count - 1)])).bytes, as: UTF8.self)
    }
  }

  /// The value of a whole number written without fraction and exponent; nil for anything else, or beyond 64 bits.
  package var integer: Int64? {
    guard case .scalar(.number, let raw) = self else { return nil }
    return raw.withUnsafeBytes { DecimalText.integer($0) }
  }

  package var boolean: Bool? {
    guard case .scalar(.boolean, let raw) = self else { return nil }
    return raw.first == 0x74
  }

  package var isNull: Bool {
    if case .scalar(.null, _) = self { true } else { false }
  }

  /// Bytes of the document as ``bytes`` writes it or a little fewer, and levels of nesting.
  var size: (bytes: Int, depth: Int) {
    var sum = (bytes: 0, depth: 0)
    switch self {
    case .object(let members):
      sum = (bytes: 2 + max(0, members.count - 1), depth: 1)
      for member in members {
        let part = member.value.size
        sum.bytes += member.name.utf8.count + 3 + part.bytes
        sum.depth = max(sum.depth, part.depth + 1)
      }
    case .array(let elements):
      sum = (bytes: 2 + max(0, elements.count - 1), depth: 1)
      for element in elements {
        let part = element.size
        sum.bytes += part.bytes
        sum.depth = max(sum.depth, part.depth + 1)
      }
    case .scalar(_, let raw): sum.bytes = raw.count
    }
    return sum
  }
}
