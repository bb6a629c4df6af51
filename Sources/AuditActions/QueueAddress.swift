/// The queue an action is about: `project/queue`, which is also the key of its Kafka record.
///
/// Names are made of `A-Z a-z 0-9 _ . -`; a project has 1…256 characters, a queue 1…64 (Zaqar's limits). `.` and `..`
/// are no names: they are steps in a path.
public struct QueueAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let project: String
  public let queue: String

  /// - Throws: `invalid_project` or `invalid_queue`, naming the limit.
  public init(project: String, queue: String) throws(AuditActionError) {
    try Self.validateProject(project)
    try Self.validateQueue(queue)
    self.project = project
    self.queue = queue
  }

  /// Reads a Kafka record's key, `project/queue`.
  /// - Throws: `invalid_key`.
  public init(key: UnsafeRawBufferPointer) throws(AuditActionError) {
    let slash = try Self.validateKey(key)
    project = String(decoding: key[..<slash], as: UTF8.self)
    queue = String(decoding: key[(slash + 1)...], as: UTF8.self)
  }

  /// The record key: `project/queue`.
  public var key: String { "\(project)/\(queue)" }
  public var description: String { key }

  public static func < (left: QueueAddress, right: QueueAddress) -> Bool {
    left.project == right.project ? left.queue < right.queue : left.project < right.project
  }

  /// Checks a record key without allocating.
  /// - Returns: the offset of the slash, so `bytes[..<slash]` is the project and `bytes[(slash + 1)...]` the queue.
  /// - Throws: `invalid_key`.
  @discardableResult
  public static func validateKey(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> Int {
    let project = NameCharacters.prefixCount(bytes, from: 0)
    guard project < bytes.count, bytes[project] == 0x2F else {
      throw AuditActionError(
        .invalidKey, "a record key is project/queue, both made of A-Z a-z 0-9 _ . - and divided by one slash",
        parameter: "key")
    }
    let queue = NameCharacters.prefixCount(bytes, from: project + 1)
    guard project + 1 + queue == bytes.count else {
      throw AuditActionError(
        .invalidKey, "the queue in a record key is made of A-Z a-z 0-9 _ . - only", parameter: "key")
    }
    guard project >= 1, project <= ActionLimits.projectCharactersMax else {
      throw AuditActionError(
        .invalidKey, "the project in a record key has 1 to \(ActionLimits.projectCharactersMax) characters",
        parameter: "key")
    }
    guard queue >= 1, queue <= ActionLimits.queueCharactersMax else {
      throw AuditActionError(
        .invalidKey, "the queue in a record key has 1 to \(ActionLimits.queueCharactersMax) characters",
        parameter: "key")
    }
    guard !NameCharacters.isDotSegment(bytes, from: 0, count: project),
      !NameCharacters.isDotSegment(bytes, from: project + 1, count: queue)
    else {
      throw AuditActionError(
        .invalidKey, "`.` and `..` name no project or queue: they are steps in a path", parameter: "key")
    }
    return project
  }

  /// - Throws: `invalid_project`.
  public static func validateProject(_ name: String) throws(AuditActionError) {
    guard NameCharacters.isName(name, charactersMax: ActionLimits.projectCharactersMax) else {
      throw AuditActionError(
        .invalidProject,
        "a project name has 1 to \(ActionLimits.projectCharactersMax) characters out of A-Z a-z 0-9 _ . -, and is not . or ..",
        parameter: "project")
    }
  }

  /// - Throws: `invalid_queue`.
  public static func validateQueue(_ name: String) throws(AuditActionError) {
    guard NameCharacters.isName(name, charactersMax: ActionLimits.queueCharactersMax) else {
      throw AuditActionError(
        .invalidQueue,
        "a queue name has 1 to \(ActionLimits.queueCharactersMax) characters out of A-Z a-z 0-9 _ . -, and is not . or ..",
        parameter: "queue")
    }
  }
}
