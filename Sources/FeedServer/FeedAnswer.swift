import NIOCore

/// An answer in the form both ways out can write: through Hummingbird, or straight onto the channel.
struct FeedAnswer {
  var status: Int
  /// In the order they are sent.
  private(set) var fields: [(name: String, value: String)] = []
  /// Nil when the answer has none, and for HEAD.
  private(set) var body: ByteBuffer?

  init(status: Int) {
    self.status = status
    fields.reserveCapacity(8)
  }

  mutating func add(_ name: String, _ value: String) {
    fields.append((name, value))
  }

  mutating func setBody(_ body: ByteBuffer, contentType: String) {
    add("Content-Type", contentType)
    add("Content-Length", String(body.readableBytes))
    self.body = body
  }

  /// HEAD: the fields of the GET, and no body.
  mutating func dropBody() {
    body = nil
  }

  var closesConnection: Bool {
    fields.contains { $0.name == "Connection" && $0.value == "close" }
  }
}

/// What an answer depends on of a request's head, whichever way the request came.
struct FeedRequest {
  /// In capitals, as HTTP has it.
  var method: String
  /// Path and query as they came.
  var target: String
  var accept: String?
  /// `X-Project-ID`.
  var project: String?
  /// `Prefer`, all fields of it.
  var prefer: String?
  var ifMatch: String?
  var ifNoneMatch: String?
  var contentType: String?
  var contentEncoding: String?
  var contentLength: Int?
  /// The client's when fit, else one of ours; goes out with every answer.
  var requestID: String

  var isHead: Bool { method == "HEAD" }

  /// Whether a gap is to be an error: the preference `handling=strict` (RFC 7240), wherever it stands in the list.
  var isStrict: Bool {
    guard let prefer else { return false }
    return prefer.split(separator: ",").contains { preference in
      let word = preference.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" && $0 != "\"" }
      return word == "handling=strict"
    }
  }
}
