/// A place in a JSON document (RFC 6901): `/audit/events/0`; the empty text is the document itself.
package struct JSONPointer: Sendable {
  package let tokens: [String]

  package static let root = JSONPointer(tokens: [])

  package init(tokens: [String]) { self.tokens = tokens }

  /// - Throws: `invalid_json` for a text that is neither empty nor begins with a slash, or with a `~` that is not
  ///   followed by 0 or 1.
  package init(_ text: String) throws(AuditActionError) {
    guard !text.isEmpty else {
      tokens = []
      return
    }
    guard text.utf8.first == 0x2F else {
      throw AuditActionError(
        .invalidJSON, "a JSON pointer is empty or begins with a slash, such as /audit/enabled", parameter: "path")
    }
    var tokens: [String] = []
    for part in text.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
      guard let token = Self.unescape(part) else {
        throw AuditActionError(
          .invalidJSON, "in a JSON pointer ~ stands as ~0 and a slash inside a name as ~1", parameter: "path")
      }
      tokens.append(token)
    }
    self.tokens = tokens
  }

  /// Whether this is a place, or above it, by the bytes of its names.
  func isPrefix(of other: JSONPointer) -> Bool {
    other.tokens.starts(with: tokens) { $0.utf8.elementsEqual($1.utf8) }
  }

  func isSame(as other: JSONPointer) -> Bool { tokens.count == other.tokens.count && isPrefix(of: other) }

  package func appending(_ token: String) -> JSONPointer { JSONPointer(tokens: tokens + [token]) }

  /// The pointer for a sentence, where an empty text would read badly.
  package var shown: String { tokens.isEmpty ? "the document itself" : text }

  /// The pointer as RFC 6901 writes it, at most 256 bytes of it: for error texts.
  package var text: String {
    let whole = tokens.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    return String(decoding: whole.utf8.prefix(256), as: UTF8.self)
  }

  private static func unescape(_ part: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    var isEscape = false
    for byte in part {
      if isEscape {
        guard byte == 0x30 || byte == 0x31 else { return nil }
        bytes.append(byte == 0x30 ? 0x7E : 0x2F)
        isEscape = false
      } else if byte == 0x7E {
        isEscape = true
      } else {
        bytes.append(byte)
      }
    }
    return isEscape ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
