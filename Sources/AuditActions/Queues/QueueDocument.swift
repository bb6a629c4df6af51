/// A queue's metadata: a JSON object of at most 64 KiB. The member `audit` is ours, all others are the user's and are
/// kept as they are.
///
///     {"audit": {"enabled": true, "ttl": 600, "events": ["MessageDeleted"]}, "team": "orders"}
public struct QueueDocument: Sendable, Equatable {
  /// Most bytes of a document (Zaqar's `max_queue_metadata`).
  public static let bytesMax = 65_536

  /// The empty object.
  public static let empty = QueueDocument(bytes: [0x7B, 0x7D], audit: QueueAudit())

  /// The object as it was written, without white space around it.
  public let bytes: [UInt8]
  /// What its member `audit` says.
  public let audit: QueueAudit

  /// Checks a document.
  /// - Throws: `too_large`, `invalid_json`, `invalid_utf8`, `too_deep` (beyond ``ActionLimits/depthMax`` levels),
  ///   `not_an_object`, and `invalid_metadata` for what `audit` must not be. The error's parameter is the JSON pointer
  ///   of the member at fault.
  public init(_ utf8: some Sequence<UInt8>) throws(AuditActionError) {
    let given = [UInt8](utf8)
    guard given.count <= Self.bytesMax else { throw Self.tooLarge }
    let (tree, range) = try given.withUnsafeBufferPointer { (raw) throws(AuditActionError) in
      let raw = UnsafeRawBufferPointer(raw)
      return (try JSONTree(raw), try JSONScanner(raw).root().range)
    }
    guard case .object = tree else { throw Self.notAnObject }
    audit = try QueueAudit(metadata: tree)
    bytes = range.count == given.count ? given : [UInt8](given[range])
  }

  private init(bytes: [UInt8], audit: QueueAudit) {
    self.bytes = bytes
    self.audit = audit
  }

  /// The document as a JSON Merge Patch (RFC 7396) changes it.
  /// - Throws: what ``init(_:)`` throws, of the patch or of its result.
  package func merging(_ patch: [UInt8]) throws(AuditActionError) -> QueueDocument {
    let patch = try patch.withUnsafeBufferPointer { (raw) throws(AuditActionError) in
      try JSONTree(UnsafeRawBufferPointer(raw))
    }
    var tree = try tree()
    tree.merge(patch)
    return try QueueDocument(tree.bytes)
  }

  /// The document as a JSON Patch (RFC 6902) changes it.
  /// - Throws: `patch_conflict` when it does not fit, and what ``init(_:)`` throws of the result.
  package func patched(by patch: JSONPatch) throws(AuditActionError) -> QueueDocument {
    try QueueDocument(try patch.apply(to: try tree(), bytesMax: Self.bytesMax).bytes)
  }

  private func tree() throws(AuditActionError) -> JSONTree {
    try bytes.withUnsafeBufferPointer { (raw) throws(AuditActionError) in
      try JSONTree(UnsafeRawBufferPointer(raw))
    }
  }

  private static let tooLarge = AuditActionError(
    .tooLarge, "the metadata of a queue has at most \(bytesMax) bytes", parameter: "")

  private static let notAnObject = AuditActionError(
    .notAnObject, "the metadata of a queue is a JSON object: {\"audit\":{\"enabled\":true}}", parameter: "")
}
