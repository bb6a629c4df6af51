import NIOHTTP1

/// What the front door reads off a head in one pass over its fields.
struct RequestHead {
  var request: FeedRequest
  var hostCount = 0
  var hasContent = false
  var wantsContinue = false
  var wantsUpgrade = false

  init(_ head: HTTPRequestHead) {
    request = FeedRequest(method: head.method.rawValue, target: head.uri, requestID: "")
    var requestID: String?
    for (name, value) in head.headers {
      // Repeated fields are one, divided by commas (RFC 9110, section 5.3), as Hummingbird joins them.
      switch name.utf8.count {
      case 4 where Self.equals(name, "host"): hostCount += 1
      case 6 where Self.equals(name, "accept"): Self.join(&request.accept, value)
      case 6 where Self.equals(name, "prefer"): Self.join(&request.prefer, value)
      case 6 where Self.equals(name, "expect"): wantsContinue = Self.equals(value, "100-continue")
      case 7 where Self.equals(name, "upgrade"): wantsUpgrade = true
      case 8 where Self.equals(name, "if-match"): Self.join(&request.ifMatch, value)
      case 13 where Self.equals(name, "if-none-match"): Self.join(&request.ifNoneMatch, value)
      case 12 where Self.equals(name, "x-project-id"): Self.join(&request.project, value)
      case 12 where Self.equals(name, "x-request-id"): Self.join(&requestID, value)
      case 14 where Self.equals(name, "content-length"):
        request.contentLength = Int(value)
        hasContent = hasContent || request.contentLength != 0
      case 17 where Self.equals(name, "transfer-encoding"): hasContent = true
      default: break
      }
    }
    request.requestID = RequestID.make(from: requestID)
  }

  /// Whether it is outside `/v1/`: what operators ask is answered under any load.
  var isOperational: Bool { !request.target.utf8.starts(with: "/v1/".utf8) }

  private static func join(_ field: inout String?, _ value: String) {
    field = field.map { "\($0), \(value)" } ?? value
  }

  /// - Parameter lowercase: ASCII in lower case.
  static func equals(_ text: String, _ lowercase: StaticString) -> Bool {
    guard text.utf8.count == lowercase.utf8CodeUnitCount else { return false }
    var index = 0
    for byte in text.utf8 {
      let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
      guard lower == lowercase.utf8Start[index] else { return false }
      index += 1
    }
    return true
  }
}
