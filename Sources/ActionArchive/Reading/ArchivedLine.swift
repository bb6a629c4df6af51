import AuditActions

/// What a line of an object says, without copying its body.
package struct ArchivedLine: Sendable {
  package enum Kind: String, Sendable {
    case action, rejected, hole, gap
  }

  package let kind: Kind
  package let partition: Int32
  /// One offset, or those of a hole or gap.
  package let offsets: ClosedRange<Int64>
  package let project: String?
  package let queue: String?
  package let event: String?
  /// Of the record, in milliseconds since 1970.
  package let milliseconds: Int64?
  /// The place of the body in the line, and of its exact bytes in Base64, where they differ.
  let body: Range<Int>?
  let exactBody: Range<Int>?
  /// Of a record.
  let headers: JSONSlice?

  /// Deepest nesting of a line: that of a body, and the line around it.
  static let depthMax = ActionLimits.depthMax + 4
  static let membersMax = 64

  /// - Throws: `garbled` for anything that is no line of an archive.
  init(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    let scanner = JSONScanner(bytes)
    let members: [String: JSONSlice]
    do throws(AuditActionError) {
      let root = try scanner.root(depthMax: Self.depthMax)
      members = Dictionary(
        try scanner.members(of: root, countMax: Self.membersMax).map { ($0.name, $0.value) },
        uniquingKeysWith: { first, _ in first })
    } catch {
      throw ArchiveError(.garbled, "a line is no JSON object: \(error)")
    }
    func integer(_ name: String, in limits: ClosedRange<Int64>) -> Int64? {
      members[name].flatMap { scanner.integer($0, in: limits) }
    }
    guard let partition = integer("partition", in: 0...Int64(Int32.max)) else {
      throw ArchiveError(.garbled, "a line names no partition")
    }
    self.partition = Int32(clamping: partition)
    if let statement = members["hole"] ?? members["gap"] {
      kind = members["hole"] == nil ? .gap : .hole
      offsets = try Self.range(statement, scanner)
    } else {
      guard let offset = integer("offset", in: 0...Int64.max - 1) else {
        throw ArchiveError(.garbled, "a line names no offset")
      }
      offsets = offset...offset
      kind = members["rejected"] == nil ? .action : .rejected
    }
    if kind == .action, members["body"]?.kind != .object {
      throw ArchiveError(.garbled, "the action at offset \(offsets.lowerBound) has no body")
    }
    project = members["project"].flatMap { scanner.string($0) }
    queue = members["queue"].flatMap { scanner.string($0) }
    event = members["event"].flatMap { scanner.string($0) }
    milliseconds = members["time"].flatMap { scanner.string($0) }.flatMap { ArchiveTime.milliseconds($0) }
    body = members["body"]?.range
    headers = members["headers"].flatMap { $0.kind == .object ? $0 : nil }
    exactBody = members["bodyBase64"].flatMap { $0.kind == .string ? $0.range : nil }
  }

  private static func range(_ slice: JSONSlice, _ scanner: JSONScanner) throws(ArchiveError) -> ClosedRange<Int64> {
    var (from, to): (Int64?, Int64?)
    for member in (try? scanner.members(of: slice, countMax: 8)) ?? [] {
      if member.name == "from" { from = scanner.integer(member.value, in: 0...Int64.max - 1) }
      if member.name == "to" { to = scanner.integer(member.value, in: 0...Int64.max - 1) }
    }
    guard let from, let to, from <= to else {
      throw ArchiveError(.garbled, "a statement of missing offsets does not say which")
    }
    return from...to
  }
}
