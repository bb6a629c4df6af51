/// JSON Patch (RFC 6902): a list of operations, all of which are done or none.
package struct JSONPatch: Sendable {
  /// Most operations of one patch.
  package static let operationsMax = 128

  enum Kind: String, CaseIterable {
    case add, remove, replace, move, copy, test
  }

  struct Operation {
    var kind: Kind
    var path: JSONPointer
    var from: JSONPointer?
    var value: JSONTree?
  }

  let operations: [Operation]

  /// - Parameter prefix: a name every path begins with, taken off: Zaqar's patches say `/metadata/…`.
  /// - Throws: `invalid_json`, `invalid_utf8`, `too_deep`; the error's parameter is the operation's place in the patch.
  package init(_ document: UnsafeRawBufferPointer, prefix: String? = nil) throws(AuditActionError) {
    guard case .array(let items) = try JSONTree(document) else {
      throw AuditActionError(.invalidJSON, "a JSON patch is an array of operations: [{\"op\":…,\"path\":…}]")
    }
    guard items.count <= Self.operationsMax else {
      throw AuditActionError(.invalidJSON, "a JSON patch has at most \(Self.operationsMax) operations; send several")
    }
    var operations: [Operation] = []
    for (index, item) in items.enumerated() {
      operations.append(try Self.operation(item, at: JSONPointer(tokens: [String(index)]), prefix))
    }
    self.operations = operations
  }

  private static func operation(
    _ item: JSONTree, at place: JSONPointer, _ prefix: String?
  ) throws(AuditActionError) -> Operation {
    guard case .object = item else {
      throw AuditActionError(
        .invalidJSON, "an operation is an object {\"op\":…,\"path\":…}", parameter: place.text)
    }
    let name = item["op"]?.string ?? ""
    guard let kind = Kind(rawValue: name) else {
      let known = Kind.allCases.map(\.rawValue)
      let nearest = Spelling.nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
      throw AuditActionError(
        .invalidJSON, "op is one of \(known.joined(separator: ", "))\(nearest)",
        parameter: place.appending("op").text)
    }
    var operation = Operation(kind: kind, path: try pointer(item, "path", place, prefix))
    switch kind {
    case .move, .copy: operation.from = try pointer(item, "from", place, prefix)
    case .add, .replace, .test:
      guard let value = item["value"] else {
        throw AuditActionError(
          .invalidJSON, "\(kind.rawValue) needs a value", parameter: place.appending("value").text)
      }
      operation.value = value
    case .remove: break
    }
    return operation
  }

  private static func pointer(
    _ item: JSONTree, _ member: String, _ place: JSONPointer, _ prefix: String?
  ) throws(AuditActionError) -> JSONPointer {
    let at = place.appending(member).text
    guard let text = item[member]?.string else {
      throw AuditActionError(.invalidJSON, "\(member) is a JSON pointer, such as /audit/enabled", parameter: at)
    }
    let pointer: JSONPointer
    do throws(AuditActionError) { pointer = try JSONPointer(text) } catch {
      throw AuditActionError(.invalidJSON, error.detail, parameter: at)
    }
    guard let prefix else { return pointer }
    guard pointer.tokens.first == prefix else {
      throw AuditActionError(
        .invalidJSON, "patches of this media type change /\(prefix)/… only", parameter: at)
    }
    return JSONPointer(tokens: Array(pointer.tokens.dropFirst()))
  }

  /// Does every operation, one after the other.
  /// - Parameter bytesMax: what the document may grow to on the way: copies of copies grow fast.
  /// - Throws: `patch_conflict` when a place is not there or a test fails, with the operation's place in the patch;
  ///   `too_large`, `too_deep`.
  package func apply(to document: JSONTree, bytesMax: Int) throws(AuditActionError) -> JSONTree {
    try applied(to: document, bytesMax: bytesMax).document
  }

  /// The same, with the size of the document: it is kept from one operation to the next, as looking at the whole document
  /// after each would cost as many looks at every member as there are operations.
  func applied(
    to document: JSONTree, bytesMax: Int
  ) throws(AuditActionError) -> (document: JSONTree, bytes: Int) {
    var document = document
    var bytes = document.size.bytes
    for (index, operation) in operations.enumerated() {
      let place = "/\(index)"
      let change = try Self.perform(operation, on: &document, place)
      bytes += change.growth
      guard bytes <= bytesMax else {
        throw AuditActionError(
          .tooLarge, "the patched document would have more than \(bytesMax) bytes", parameter: place)
      }
      guard change.depth <= ActionLimits.depthMax else {
        throw AuditActionError(
          .tooDeep, "the patched document would be nested deeper than \(ActionLimits.depthMax) levels",
          parameter: place)
      }
    }
    return (document, bytes)
  }

  /// What an operation did to a document.
  private struct Change {
    /// In bytes.
    var growth = 0
    /// Levels of nesting down to the end of what it put in.
    var depth = 0
  }

  private static func perform(
    _ operation: Operation, on document: inout JSONTree, _ place: String
  ) throws(AuditActionError) -> Change {
    let conflict = { (detail: String) in AuditActionError(.patchConflict, detail, parameter: place) }
    let path = operation.path
    func put(
      _ value: JSONTree, _ size: (bytes: Int, depth: Int), or detail: String, freed: Int = 0
    ) throws(AuditActionError) -> Change {
      guard let growth = document.add(value, bytes: size.bytes, at: path.tokens[...]) else { throw conflict(detail) }
      return Change(growth: growth - freed, depth: path.tokens.count + size.depth)
    }
    let value = operation.value ?? .null
    switch operation.kind {
    case .add:
      return try put(
        value, value.size,
        or: "nothing can be added at \(path.text): its parent is not there, or the index is beyond its end")
    case .remove:
      guard !path.tokens.isEmpty else { throw conflict("the document itself is not removed by a patch but by DELETE") }
      guard let removed = document.remove(at: path.tokens[...]) else {
        throw conflict("there is no \(path.text) to remove")
      }
      return Change(growth: -removed.bytes)
    case .replace:
      let size = value.size
      guard let growth = document.replace(with: value, bytes: size.bytes, at: path.tokens[...]) else {
        throw conflict("there is no \(path.text) to replace")
      }
      return Change(growth: growth, depth: path.tokens.count + size.depth)
    case .move:
      guard let from = operation.from else { return Change() }
      if from.isSame(as: path), document.value(at: from) != nil { return Change() }
      guard !from.isPrefix(of: path) else {
        throw conflict("\(from.shown) cannot be moved into itself")
      }
      guard let removed = document.remove(at: from.tokens[...]) else {
        throw conflict("there is no \(from.text) to move")
      }
      return try put(
        removed.value, removed.size, or: "nothing can be added at \(path.text)", freed: removed.bytes)
    case .copy:
      guard let from = operation.from, let value = document.value(at: from) else {
        throw conflict("there is no \(operation.from?.text ?? "") to copy")
      }
      return try put(value, value.size, or: "nothing can be added at \(path.text)")
    case .test:
      guard let found = document.value(at: path), found.isSame(as: value) else {
        throw conflict("the test of \(path.text) fails: its value is another, or it is not there")
      }
      return Change()
    }
  }
}
