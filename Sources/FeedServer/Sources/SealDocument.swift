import AuditActions
import NIOCore

/// What proves an action, as a member of it where actions are exchanged:
/// `"proof":{"id","time","ttl","crc32c","signature"}`, each the text of the header, or not there where the record had
/// none.
enum SealDocument {
  static let member = "proof"

  static func write(_ seal: ActionSeal, to body: inout ByteBuffer) {
    body.writeString(",\"\(member)\":")
    var separator = "{"
    for part in ActionSeal.Part.allCases {
      guard let text = seal[part] else { continue }
      body.writeString("\(separator)\"\(part.member)\":")
      body.writeJSONString(text)
      separator = ","
    }
    body.writeStaticString("}")
  }

  /// - Throws: `invalid_json` naming the member that is not as it has to be.
  static func parse(_ scanner: JSONScanner, _ slice: JSONSlice) throws(AuditActionError) -> ActionSeal {
    guard slice.kind == .object else {
      throw AuditActionError(
        .invalidJSON, "proof is an object of texts, or left out where there is none", parameter: member)
    }
    var texts: [ActionSeal.Part: String] = [:]
    for item in try scanner.members(of: slice, countMax: 16) {
      guard let part = ActionSeal.Part.allCases.first(where: { $0.member == item.name }) else {
        throw AuditActionError(
          .invalidJSON, "a proof has the members id, time, ttl, crc32c and signature, those of them the record had",
          parameter: "\(member).\(String(decoding: item.name.utf8.prefix(64), as: UTF8.self))")
      }
      let name = "\(member).\(part.member)"
      guard let text = scanner.string(item.value), text.utf8.count <= part.bytesMax else {
        throw AuditActionError(
          .invalidJSON, "\(name) is a text of at most \(part.bytesMax) bytes, as the record's header had it",
          parameter: name)
      }
      guard texts.updateValue(text, forKey: part) == nil else {
        throw AuditActionError(.invalidJSON, "a member stands twice; send it once", parameter: name)
      }
    }
    guard let seal = ActionSeal({ texts[$0] }) else {
      throw AuditActionError(
        .invalidJSON, "a proof has crc32c, signature, or both; leave it out where there is neither", parameter: member)
    }
    return seal
  }

  /// For how long a proved action lives: what the header says that was proved, and nothing else.
  /// - Throws: `invalid_ttl` where that is no time to live, or `ttl` beside it says another.
  static func timeToLive(
    _ seal: ActionSeal, beside stated: TimeToLive?
  ) throws(AuditActionError) -> TimeToLive? {
    guard let text = seal[.timeToLive] else { return nil }
    let seconds = try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      try ActionRecord.parseTimeToLive(UnsafeRawBufferPointer(bytes))
    }
    guard stated == nil || stated?.seconds == seconds else {
      throw AuditActionError(
        .invalidTimeToLive, "ttl is not what proof.ttl says, and only that is proved: send them as they were received",
        parameter: "ttl")
    }
    return try TimeToLive(seconds: Int(seconds))
  }
}
