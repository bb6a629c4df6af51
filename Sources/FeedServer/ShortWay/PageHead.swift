import ActionStore
import AuditActions

/// The head of a plain request for a page, read straight from the bytes that came in one piece.
///
///     GET /v1/{project}/queues/{queue}/actions[?limit=…&marker=…] HTTP/1.1
///
/// Reads what nearly every request for a page looks like, and nothing else: whatever it is not sure of is no `PageHead`,
/// and llhttp and the router judge it. So it must never accept what they would refuse, nor read it differently. It
/// knows no percent-encoding, no repeated parameter, no content, no field that changes the answer but `X-Request-Id`.
struct PageHead {
  /// Longer heads, and those with more fields, are left to the long way, which has limits of its own.
  static let bytesMax = 4_096
  static let fieldsMax = 32

  /// Path and query.
  let target: Range<Int>
  let path: Range<Int>
  /// The names in the path, valid ones.
  let project: Range<Int>
  let queue: Range<Int>
  let limit: Int
  let marker: Range<Int>?
  /// The client's, fit to be repeated.
  let requestID: Range<Int>?
  /// Where the head ends and the next request begins.
  let end: Int

  /// Nil when the bytes from `start` on are not, or not yet, such a head.
  init?(_ bytes: UnsafeRawBufferPointer, from start: Int) {
    var scanner = ByteScanner(bytes, from: start, to: min(bytes.count, start + Self.bytesMax))
    guard scanner.skip("GET ") else { return nil }
    let targetStart = scanner.position
    guard scanner.skip("/v1/"), let project = scanner.name(charactersMax: ActionLimits.projectCharactersMax),
      scanner.skip("/queues/"), let queue = scanner.name(charactersMax: ActionLimits.queueCharactersMax),
      scanner.skip("/actions")
    else { return nil }
    let path = targetStart..<scanner.position
    var query = Query()
    if scanner.skip("?") {
      guard query.read(&scanner) else { return nil }
    }
    let target = targetStart..<scanner.position
    var fields = Fields()
    guard scanner.skip(" HTTP/1.1\r\n"), fields.read(&scanner) else { return nil }
    self.target = target
    self.path = path
    self.project = project
    self.queue = queue
    limit = query.limit ?? ActionLimits.pageActionsDefault
    marker = query.marker
    requestID = fields.requestID
    end = scanner.position
  }

  private struct Query {
    var limit: Int?
    var marker: Range<Int>?

    mutating func read(_ scanner: inout ByteScanner) -> Bool {
      repeat {
        if scanner.skip("limit=") {
          guard limit == nil, let value = scanner.number(digitsMax: 2), value >= 1,
            value <= ActionLimits.pageActionsMax
          else { return false }
          limit = value
        } else if scanner.skip("marker=") {
          guard marker == nil, let text = scanner.characters(while: ByteScanner.isTokenText) else { return false }
          marker = text
        } else {
          return false
        }
      } while scanner.skip("&")
      return true
    }
  }

  private struct Fields {
    var requestID: Range<Int>?
    private var hasHost = false
    private var hasAccept = false

    /// Reads the fields and the empty line behind them.
    mutating func read(_ scanner: inout ByteScanner) -> Bool {
      for _ in 0...PageHead.fieldsMax {
        if scanner.skip("\r\n") { return hasHost }
        guard let name = scanner.characters(while: ByteScanner.isFieldName), scanner.skip(":") else { return false }
        while scanner.skip(" ") {}
        // Empty, or from one visible character to the end of the line.
        let value = scanner.characters(while: ByteScanner.isFieldValue) ?? scanner.position..<scanner.position
        guard scanner.skip("\r\n"), take(name, value, scanner) else { return false }
      }
      return false
    }

    /// Whether a field leaves the request a plain one. Those that nothing looks at do.
    private mutating func take(_ name: Range<Int>, _ value: Range<Int>, _ scanner: ByteScanner) -> Bool {
      func isNamed(_ text: StaticString) -> Bool { scanner.equals(name, text) }
      func has(_ text: StaticString) -> Bool { scanner.equals(value, text) }
      switch name.count {
      case 2: return !isNamed("te")
      case 4 where isNamed("host"):
        defer { hasHost = true }
        return !hasHost
      case 6 where isNamed("accept"):
        defer { hasAccept = true }
        return !hasAccept && (has("*/*") || has("application/json"))
      case 6: return !isNamed("prefer") && !isNamed("expect")
      case 7: return !isNamed("upgrade") && !isNamed("trailer")
      case 10 where isNamed("connection"): return has("keep-alive")
      case 12 where isNamed("x-request-id"):
        guard requestID == nil, RequestID.isFit(scanner.bytes(value)) else { return false }
        requestID = value
        return true
      case 14: return !isNamed("content-length") && !isNamed("http2-settings")
      case 16: return !isNamed("proxy-connection")
      case 17: return !isNamed("transfer-encoding")
      default: return true
      }
    }
  }
}
