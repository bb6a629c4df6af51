/// What the byte-level scan found wrong, and where. Trivial, so that throwing it costs a register.
struct JSONFault: Error {
  enum Kind: UInt8 {
    case truncated
    case unexpectedByte
    case byteOrderMark
    case trailingBytes
    case invalidNumber
    case invalidLiteral
    case invalidEscape
    case controlCharacter
    case invalidUTF8
    case tooDeep
    case expectedKey
    case expectedColon
    case tooMany
    case notAnObject
    case missingEvent
    case secondEvent
    case eventNotAString
    case eventLength
    case eventCharacters
  }

  let kind: Kind
  /// The address of the byte at fault; only ever compared with the document's own, never read.
  private let address: UInt

  @inline(__always)
  init(_ kind: Kind, at cursor: UnsafePointer<UInt8>) {
    self.kind = kind
    address = UInt(bitPattern: cursor)
  }

  /// The error for people: what, at which byte of the document that starts at `base`, and what to do.
  func error(from base: UnsafePointer<UInt8>) -> AuditActionError {
    let offset = address &- UInt(bitPattern: base)
    let place = "at byte \(offset)"
    return switch kind {
    case .truncated: AuditActionError(.invalidJSON, "the JSON text ends early, \(place); send it whole")
    case .unexpectedByte: AuditActionError(.invalidJSON, "\(place): no JSON value or separator may stand here")
    case .byteOrderMark: AuditActionError(.invalidJSON, "the text begins with a byte order mark; leave it out")
    case .trailingBytes: AuditActionError(.invalidJSON, "\(place): something follows the JSON value; send one value")
    case .invalidNumber: AuditActionError(.invalidJSON, "\(place): not a number as JSON writes it")
    case .invalidLiteral: AuditActionError(.invalidJSON, "\(place): only true, false and null are words in JSON")
    case .invalidEscape: AuditActionError(.invalidJSON, "\(place): not an escape JSON knows")
    case .controlCharacter:
      AuditActionError(.invalidJSON, "\(place): a control character inside a string; write it as \\u00XX")
    case .invalidUTF8: AuditActionError(.invalidUTF8, "\(place): not UTF-8; encode strings as UTF-8")
    case .tooDeep:
      AuditActionError(
        .tooDeep,
        "\(place): nested too deep; a body has at most \(ActionLimits.depthMax) levels")
    case .expectedKey: AuditActionError(.invalidJSON, "\(place): a member's name in quotes must stand here")
    case .expectedColon: AuditActionError(.invalidJSON, "\(place): a colon must follow a member's name")
    case .tooMany: AuditActionError(.invalidJSON, "\(place): more items than are allowed here; send fewer")
    case .notAnObject:
      AuditActionError(.notAnObject, "the body is JSON but no object; send {\"event\": …, \"details\": {…}}")
    case .missingEvent:
      AuditActionError(.missingEvent, "the body has no member event; name what happened", parameter: "event")
    case .secondEvent:
      AuditActionError(
        .invalidEvent, "\(place): a second member event; parsers disagree which one counts, so send one",
        parameter: "event")
    case .eventNotAString:
      AuditActionError(.invalidEvent, "\(place): event must be a string", parameter: "event")
    case .eventLength:
      AuditActionError(
        .invalidEvent, "\(place): event has 1 to \(ActionLimits.eventBytesMax) bytes of UTF-8", parameter: "event")
    case .eventCharacters:
      AuditActionError(
        .invalidEvent, "\(place): event must not hold control characters or unpaired surrogates",
        parameter: "event")
    }
  }
}
