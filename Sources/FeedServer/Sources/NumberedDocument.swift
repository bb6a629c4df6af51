import ActionStore
import AuditActions
import NIOCore

/// The content of what is sent to a log: `{"actions":[{"sequence","queue","ttl","time","body","proof"}]}`, as it was
/// received.
enum NumberedDocument {
  private static let membersMax = 16
  private static let depthMax = ActionLimits.depthMax + 3

  /// - Returns: an action, or what is wrong with it, for each item: one that is bad does not stop the others.
  /// - Throws: a 400 for content that is no such document.
  static func parse(
    _ content: ByteBuffer, for key: SourceLogKey
  ) throws(Problem) -> [Result<NumberedPost, AuditActionError>] {
    try read(content) { (scanner, root) throws(AuditActionError) in
      let members = try scanner.members(of: root, countMax: membersMax)
      guard members.count == 1, let list = members.first, list.name == "actions", list.value.kind == .array,
        let items = try? scanner.elements(of: list.value, countMax: ActionStore.numberedActionsMax), !items.isEmpty
      else {
        throw AuditActionError(
          .invalidJSON,
          "send {\"actions\":[{\"sequence\":…,\"queue\":…,\"body\":{…}}]} with 1 to \(ActionStore.numberedActionsMax) of them",
          parameter: "actions")
      }
      return items.map { item in Result { () throws(AuditActionError) in try post(scanner, item, key) } }
    }
  }

  /// `{"lowest":5}`.
  static func lowest(_ content: ByteBuffer) throws(Problem) -> Int64 {
    try read(content) { (scanner, root) throws(AuditActionError) in
      let members = try scanner.members(of: root, countMax: membersMax)
      guard members.count == 1, let member = members.first, member.name == "lowest",
        let lowest = scanner.integer(member.value, in: SequenceRanges.numbers)
      else {
        throw AuditActionError(
          .invalidSequence, "send {\"lowest\":N}, a number from 1 to 9223372036854775807", parameter: "lowest")
      }
      return lowest
    }
  }

  private static func read<Value>(
    _ content: ByteBuffer, _ body: (JSONScanner, JSONSlice) throws(AuditActionError) -> Value
  ) throws(Problem) -> Value {
    let result = content.withUnsafeReadableBytes { bytes in
      Result { () throws(AuditActionError) in
        let scanner = JSONScanner(bytes)
        return try body(scanner, try scanner.root(depthMax: depthMax))
      }
    }
    do throws(AuditActionError) { return try result.get() } catch { throw Problem(error) }
  }

  private static func post(
    _ scanner: JSONScanner, _ item: JSONSlice, _ key: SourceLogKey
  ) throws(AuditActionError) -> NumberedPost {
    guard item.kind == .object else {
      throw AuditActionError(.notAnObject, "an action is an object {\"sequence\":…,\"queue\":…,\"body\":{…}}")
    }
    var parts: [String: JSONSlice] = [:]
    for member in try scanner.members(of: item, countMax: membersMax) {
      guard ["sequence", "queue", "ttl", "time", "href", "body", SealDocument.member].contains(member.name) else {
        throw AuditActionError(
          .invalidJSON, "a numbered action has the members sequence, queue, ttl, time, body and proof",
          parameter: String(decoding: member.name.utf8.prefix(64), as: UTF8.self))
      }
      guard parts.updateValue(member.value, forKey: member.name) == nil else {
        throw AuditActionError(.invalidJSON, "a member stands twice; send it once", parameter: member.name)
      }
    }
    guard let sequence = parts["sequence"].flatMap({ scanner.integer($0, in: SequenceRanges.numbers) }) else {
      throw AuditActionError(
        .invalidSequence, "a sequence number is a number from 1 to 9223372036854775807", parameter: "sequence")
    }
    guard let queue = parts["queue"].flatMap(scanner.string) else {
      throw AuditActionError(.invalidQueue, "the action names no queue", parameter: "queue")
    }
    guard let body = parts["body"] else {
      throw AuditActionError(
        .invalidJSON, "the action has no body; send {\"event\":…,\"details\":{…}}", parameter: "body")
    }
    let bytes = scanner.bytes(of: body)
    _ = try ActionBody.validate(bytes)
    var timeToLive = try parts["ttl"].map { (slice) throws(AuditActionError) in
      try TimeToLive(seconds: Int(scanner.integer(slice, in: 0...Int64(Int32.max)) ?? 0))
    }
    let seal = try parts[SealDocument.member].map { (slice) throws(AuditActionError) in
      try SealDocument.parse(scanner, slice)
    }
    if let seal { timeToLive = try SealDocument.timeToLive(seal, beside: timeToLive) }
    return NumberedPost(
      origin: try ActionOrigin(source: key.source, log: key.log, sequence: sequence),
      queue: try QueueAddress(project: key.project, queue: queue), body: Array(bytes),
      timeToLive: timeToLive, time: try time(parts["time"], scanner), seal: seal)
  }

  private static func time(_ slice: JSONSlice?, _ scanner: JSONScanner) throws(AuditActionError) -> ActionTime {
    guard let slice else { return .now }
    return try ActionTime(rfc3339: scanner.string(slice) ?? "")
  }
}
