import AuditActions

/// Reads a bookkeeping object: garbage of any kind becomes an error that names what is wrong.
struct BookkeepingFields {
  /// Larger ones are not ours.
  static let bytesMax = 64 << 20
  /// Objects of one manifest, and holes.
  static let elementsMax = 200_000

  private let scanner: JSONScanner
  private let members: [String: JSONSlice]

  init(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    let scanner = JSONScanner(bytes)
    do {
      try self.init(scanner, try scanner.root(depthMax: 8))
    } catch let error as ArchiveError {
      throw error
    } catch {
      throw ArchiveError(.garbled, "it is no JSON: \(error)")
    }
  }

  private init(_ scanner: JSONScanner, _ slice: JSONSlice) throws(ArchiveError) {
    self.scanner = scanner
    do {
      members = Dictionary(
        try scanner.members(of: slice, countMax: 64).map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    } catch {
      throw ArchiveError(.garbled, "it is no JSON object: \(error)")
    }
  }

  func has(_ name: String) -> Bool { members[name] != nil }

  func text(_ name: String) throws(ArchiveError) -> String {
    guard let text = members[name].flatMap({ scanner.string($0) }) else { throw Self.missing(name, "a text") }
    return text
  }

  func optionalText(_ name: String) throws(ArchiveError) -> String? {
    if members[name]?.kind == .null { return nil }
    return try text(name)
  }

  func integer(_ name: String, in range: ClosedRange<Int64> = 0...Int64.max - 1) throws(ArchiveError) -> Int64 {
    guard let value = members[name].flatMap({ scanner.integer($0, in: range) }) else {
      throw Self.missing(name, "a whole number of \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func time(_ name: String) throws(ArchiveError) -> Int64 {
    guard let value = ArchiveTime.milliseconds(try text(name)) else {
      throw Self.missing(name, "a time such as 2026-11-21T04:00:00.000Z")
    }
    return value
  }

  func optionalTime(_ name: String) throws(ArchiveError) -> Int64? {
    if members[name]?.kind == .null { return nil }
    return try time(name)
  }

  func sha256(_ name: String) throws(ArchiveError) -> [UInt8] {
    guard let value = Hex.sha256(try text(name)) else { throw Self.missing(name, "a SHA-256 of 64 digits") }
    return value
  }

  func elements(_ name: String) throws(ArchiveError) -> [BookkeepingFields] {
    guard let slice = members[name], slice.kind == .array else { throw Self.missing(name, "an array") }
    let elements: [JSONSlice]
    do { elements = try scanner.elements(of: slice, countMax: Self.elementsMax) } catch {
      throw ArchiveError(.garbled, "'\(name)' is no array of at most \(Self.elementsMax): \(error)")
    }
    var found: [BookkeepingFields] = []
    for element in elements { found.append(try BookkeepingFields(scanner, element)) }
    return found
  }

  private static func missing(_ name: String, _ what: String) -> ArchiveError {
    ArchiveError(.garbled, "'\(name)' is not \(what)")
  }
}
