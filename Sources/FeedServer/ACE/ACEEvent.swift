import ActionStore
import AuditActions
import NIOCore

/// Apache ACE's event, `targetID,storeID,id,time,type{,key,value}*`, and the action it stands for.
///
/// Target and store are our source and log; the time is in milliseconds since 1970; a type of ACE's catalogue is a
/// number in the line and a name in the action; keys and values are the details of the action. A value that is no text
/// stands in the line as JSON, and null as `$e`.
struct ACEEvent: Equatable {
  var target: String
  var store: String
  var id: Int64
  var milliseconds: Int64
  var type: String
  var properties: [(key: String, value: String?)]

  /// The members of ACE's `AuditEvent`.
  static let types: [Int: String] = [
    1: "BUNDLE_INSTALLED", 2: "BUNDLE_RESOLVED", 3: "BUNDLE_STARTED", 4: "BUNDLE_STOPPED", 5: "BUNDLE_UNRESOLVED",
    6: "BUNDLE_UPDATED", 7: "BUNDLE_UNINSTALLED", 8: "BUNDLE_STARTING", 9: "BUNDLE_STOPPING",
    1001: "FRAMEWORK_INFO", 1002: "FRAMEWORK_WARNING", 1003: "FRAMEWORK_ERROR", 1004: "FRAMEWORK_REFRESH",
    1005: "FRAMEWORK_STARTED", 1006: "FRAMEWORK_STARTLEVEL", 2001: "DEPLOYMENTADMIN_INSTALL",
    2002: "DEPLOYMENTADMIN_UNINSTALL", 2003: "DEPLOYMENTADMIN_COMPLETE", 3001: "DEPLOYMENTCONTROL_INSTALL",
    4001: "TARGETPROPERTIES_SET",
  ]
  private static let numbers: [String: Int] = Dictionary(uniqueKeysWithValues: types.map { ($0.value, $0.key) })

  static func == (left: Self, right: Self) -> Bool {
    left.line == right.line
  }

  // MARK: Lines

  var line: String {
    ACEText.line(
      [target, store, String(id), String(milliseconds), Self.numbers[type].map { String($0) } ?? type]
        + properties.flatMap { [$0.key, $0.value] })
  }

  /// Longest line, in bytes: no action of more could come of it, whatever of it is escaped.
  static let lineBytesMax = 4 * ActionLimits.bodyBytesMax

  /// - Throws: what is wrong with the line, without its content.
  init(line: Substring) throws(AuditActionError) {
    guard line.utf8.count <= Self.lineBytesMax else {
      throw AuditActionError(.tooLarge, "an event has at most \(Self.lineBytesMax) bytes")
    }
    guard let fields = ACEText.fields(line) else {
      throw AuditActionError(.invalidJSON, "after $ comes $, k, n or r, and $e stands alone")
    }
    guard fields.count >= 5, fields.count % 2 == 1, let target = fields[0], let store = fields[1], let type = fields[4]
    else {
      throw AuditActionError(.invalidJSON, "an event is targetID,storeID,id,time,type and pairs of keys and values")
    }
    guard let id = fields[2].flatMap(Self.number), id >= 1 else {
      throw AuditActionError(.invalidSequence, "an event's id is a number from 1")
    }
    // What 64-bit nanoseconds hold.
    guard let time = fields[3].flatMap(Self.number), time <= Int64.max / 1_000_000 else {
      throw AuditActionError(.invalidTime, "an event's time is in milliseconds since 1970")
    }
    (self.target, self.store, self.id, milliseconds) = (target, store, id, time)
    self.type = Int(type).flatMap { Self.types[$0] } ?? type
    properties = []
    var keys: Set<[UInt8]> = []
    // As in ACE's dictionary the last of a name counts.
    for index in stride(from: 5, to: fields.count, by: 2).reversed() {
      guard let key = fields[index] else { throw AuditActionError(.invalidJSON, "a key is null") }
      if keys.insert(Array(key.utf8)).inserted { properties.append((key, fields[index + 1])) }
    }
    properties.reverse()
  }

  private static func number(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.count <= 19, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return Int64(text)
  }

  // MARK: Actions

  /// The body of the action: the same for the same event, so that one sent twice is known again.
  var body: [UInt8] {
    var buffer = ByteBuffer()
    buffer.writeStaticString("{\"event\":")
    buffer.writeJSONString(type)
    buffer.writeStaticString(",\"details\":{")
    for (index, property) in properties.enumerated() {
      if index > 0 { buffer.writeStaticString(",") }
      buffer.writeJSONString(property.key)
      buffer.writeStaticString(":")
      if let value = property.value { buffer.writeJSONString(value) } else { buffer.writeStaticString("null") }
    }
    let time = ActionTime(nanosecondsSince1970: milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
    buffer.writeString("},\"time\":\"\(time.rfc3339)\"}")
    return Array(buffer.readableBytesView)
  }

  /// - Parameter wallMilliseconds: when the action came into being, for a body that does not say so.
  init(_ action: NumberedAction, of key: SourceLogKey, wallMilliseconds: Int64) {
    (target, store, id) = (key.source, key.log, action.sequence)
    milliseconds = max(0, wallMilliseconds)
    type = ""
    properties = []
    action.action.withBody { bytes in
      let scanner = JSONScanner(bytes)
      guard let root = try? scanner.root(), let members = try? scanner.members(of: root, countMax: .max) else { return }
      for member in members {
        switch member.name {
        case "event": type = scanner.string(member.value) ?? ""
        case "time":
          if let text = scanner.string(member.value), let time = try? ActionTime(rfc3339: text) {
            milliseconds = max(0, time.millisecondsSince1970)
          }
        case "details":
          guard let details = try? scanner.members(of: member.value, countMax: .max) else { continue }
          properties = details.map { ($0.name, Self.text(of: $0.value, scanner)) }
        default: continue
        }
      }
    }
  }

  private static func text(of value: JSONSlice, _ scanner: JSONScanner) -> String? {
    switch value.kind {
    case .null: nil
    case .string: scanner.string(value)
    default: String(decoding: scanner.bytes(of: value), as: UTF8.self)
    }
  }
}
