import ActionEmitter
import AuditActions

/// One line of NDJSON on standard input: `{"project":…,"queue":…,"ttl":…,"body":{…}}`.
struct EmitLine: Sendable, Equatable {
  /// Bytes of a line: the largest body, and room for the rest.
  static let bytesMax = ActionLimits.bodyBytesMax + 4_096
  private static let names = ["project", "queue", "ttl", "body"]

  let queue: QueueAddress
  let action: RawAction

  /// What stands in for members that a line leaves out.
  struct Defaults: Sendable {
    var project: String?
    var queue: String?
    var timeToLive: TimeToLive?
  }

  /// - Throws: what is wrong with the line, without its content.
  init(parsing line: UnsafeRawBufferPointer, defaults: Defaults) throws(AuditActionError) {
    guard line.count <= Self.bytesMax else {
      throw AuditActionError(.tooLarge, "the line is longer than \(Self.bytesMax) bytes")
    }
    let scanner = JSONScanner(line)
    // The line is one level around the body.
    let root = try scanner.root(depthMax: ActionLimits.depthMax + 1)
    guard root.kind == .object else {
      throw AuditActionError(.notAnObject, "the line is no JSON object; write {\"project\",\"queue\",\"ttl\",\"body\"}")
    }
    var found: [String: JSONSlice] = [:]
    for member in try scanner.members(of: root, countMax: 16) {
      guard Self.names.contains(member.name) else {
        throw AuditActionError(
          .invalidJSON, "an unknown member; a line has \(Self.names.joined(separator: ", "))", parameter: nil)
      }
      guard found.updateValue(member.value, forKey: member.name) == nil else {
        throw AuditActionError(.invalidJSON, "'\(member.name)' is given twice", parameter: member.name)
      }
    }
    queue = try QueueAddress(
      project: Self.name("project", found, scanner, defaults.project),
      queue: Self.name("queue", found, scanner, defaults.queue))
    guard let body = found["body"] else {
      throw AuditActionError(.invalidJSON, "'body' is missing", parameter: "body")
    }
    let bytes = scanner.bytes(of: body)
    // Also checked by the emitter; here so that the error is told before anything is sent.
    _ = try ActionBody.validate(bytes)
    action = RawAction(
      body: Array(bytes), timeToLive: try Self.timeToLive(found["ttl"], scanner) ?? defaults.timeToLive)
  }

  private static func name(
    _ name: String, _ found: [String: JSONSlice], _ scanner: JSONScanner, _ fallback: String?
  ) throws(AuditActionError) -> String {
    guard let slice = found[name] else {
      if let fallback { return fallback }
      throw AuditActionError(.invalidJSON, "'\(name)' is missing; add it or give --\(name)", parameter: name)
    }
    guard let text = scanner.string(slice) else {
      throw AuditActionError(.invalidJSON, "'\(name)' is no string", parameter: name)
    }
    return text
  }

  private static func timeToLive(_ slice: JSONSlice?, _ scanner: JSONScanner) throws(AuditActionError) -> TimeToLive? {
    guard let slice, slice.kind != .null else { return nil }
    let limits = Int64(ActionLimits.timeToLiveSecondsMin)...Int64(ActionLimits.timeToLiveSecondsMax)
    guard let seconds = scanner.integer(slice, in: limits) else {
      throw AuditActionError(
        .invalidTimeToLive, "'ttl' is no whole number of \(limits.lowerBound) to \(limits.upperBound) seconds",
        parameter: "ttl")
    }
    return try TimeToLive(seconds: Int(seconds))
  }
}
