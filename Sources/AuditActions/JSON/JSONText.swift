/// A JSON object as UTF-8 text, checked when made and never changed: an action's details.
public struct JSONText: Sendable, Hashable, CustomStringConvertible {
  /// The object as it was given, without white space around it.
  public let bytes: [UInt8]

  /// The empty object.
  public static let empty = JSONText(unchecked: [0x7B, 0x7D])

  /// Takes a JSON object as it stands, byte for byte.
  /// - Throws: `invalid_json`, `invalid_utf8`, `not_an_object`; `too_deep` beyond 63 levels, since the body around
  ///   the details is one more; `too_large` beyond ``ActionLimits/bodyBytesMax`` bytes.
  public init(_ utf8: some Sequence<UInt8>) throws(AuditActionError) {
    let given = [UInt8](utf8)
    guard given.count <= ActionLimits.bodyBytesMax else {
      throw AuditActionError(
        .tooLarge, "the details have \(given.count) bytes; the limit of a body is \(ActionLimits.bodyBytesMax)",
        parameter: "details")
    }
    let object = try given.withUnsafeBufferPointer { (raw) throws(AuditActionError) in
      try JSONScanner(UnsafeRawBufferPointer(raw)).root(depthMax: ActionLimits.depthMax - 1)
    }
    guard object.kind == .object else {
      throw AuditActionError(.notAnObject, "details are a JSON object: {…}", parameter: "details")
    }
    bytes = object.range.count == given.count ? given : [UInt8](given[object.range])
  }

  /// Takes a JSON object as it stands.
  public init(_ text: String) throws(AuditActionError) {
    try self.init(text.utf8)
  }

  /// Writes an object, compactly, members in their order.
  public init(members: [JSONLiteral.Member]) {
    var bytes: [UInt8] = []
    JSONWriter.append(.object(members), to: &bytes)
    self.bytes = bytes
  }

  private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// The names of the object's own members, unescaped.
  package var memberNames: [String] {
    bytes.withUnsafeBytes { raw in
      let object = JSONSlice(kind: .object, range: 0..<raw.count)
      // The object was checked, or written by us: there is no error to report.
      return (try? JSONScanner(raw).members(of: object, countMax: raw.count).map(\.name)) ?? []
    }
  }

  /// Whether the object has no members.
  package var isEmpty: Bool {
    bytes.dropFirst().dropLast().allSatisfy { $0 <= 0x20 }
  }
}

extension JSONText: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONLiteral)...) {
    self.init(members: elements.map { JSONLiteral.Member($0.0, $0.1) })
  }
}
