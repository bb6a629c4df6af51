import ActionStore
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import FeedServer

/// The short way of plain pages: what it takes, what it leaves, and that nobody can tell.
@Suite struct ShortWayTests {
  static let page = "/v1/p/queues/q/actions"

  static func head(_ text: String) -> PageHead? {
    Array(text.utf8).withUnsafeBytes { PageHead($0, from: 0) }
  }

  // MARK: What is read

  @Test func `a plain request is read as it is meant`() throws {
    let text =
      "GET /v1/a-b.C_9/queues/q.1/actions?marker=Ab-_9&limit=7 HTTP/1.1\r\nhOST: x\r\nAccept: */*\r\nX-Empty:\r\n"
      + "Connection: Keep-Alive\r\nX-REQUEST-ID: a/b\r\nCookie: a=b; c=\"d\"\r\n\r\nGET"
    let head = try #require(Self.head(text))
    func part(_ range: Range<Int>) -> String { String(decoding: Array(text.utf8)[range], as: UTF8.self) }
    #expect(part(head.target) == "/v1/a-b.C_9/queues/q.1/actions?marker=Ab-_9&limit=7")
    #expect(part(head.path) == "/v1/a-b.C_9/queues/q.1/actions")
    #expect(part(head.project) == "a-b.C_9")
    #expect(part(head.queue) == "q.1")
    #expect(head.limit == 7)
    #expect(head.marker.map(part) == "Ab-_9")
    #expect(head.requestID.map(part) == "a/b")
    #expect(head.end == text.utf8.count - 3)
    let plain = try #require(Self.head("GET \(Self.page) HTTP/1.1\r\nHost: x\r\n\r\n"))
    #expect(plain.limit == 10 && plain.marker == nil && plain.requestID == nil)
  }

  /// Each differs from a plain request in something.
  static let leftRequestLines = [
    "HEAD \(page) HTTP/1.1", "POST \(page) HTTP/1.1", "get \(page) HTTP/1.1", "GET  \(page) HTTP/1.1",
    "GET \(page)/ HTTP/1.1", "GET \(page) HTTP/1.0", "GET \(page)  HTTP/1.1", "GET \(page)#x HTTP/1.1",
    "GET \(page)? HTTP/1.1", "GET \(page)?limit= HTTP/1.1", "GET \(page)?limit=0 HTTP/1.1",
    "GET \(page)?limit=51 HTTP/1.1", "GET \(page)?limit=010 HTTP/1.1", "GET \(page)?limit=+1 HTTP/1.1",
    "GET \(page)?limit=1&limit=1 HTTP/1.1", "GET \(page)?limit=1& HTTP/1.1", "GET \(page)?&limit=1 HTTP/1.1",
    "GET \(page)?marker= HTTP/1.1", "GET \(page)?marker=A%41 HTTP/1.1", "GET \(page)?marker=A= HTTP/1.1",
    "GET \(page)?event=A HTTP/1.1", "GET \(page)?limit=1&event=A HTTP/1.1", "GET \(page)?LIMIT=1 HTTP/1.1",
    "GET \(page)?ids=A HTTP/1.1", "GET \(page)?echo=1 HTTP/1.1", "GET http://x\(page) HTTP/1.1",
    "GET /v1/p/queues/%71/actions HTTP/1.1", "GET /v1/./queues/q/actions HTTP/1.1",
    "GET /v1/p/queues/../actions HTTP/1.1", "GET /v1//queues/q/actions HTTP/1.1", "GET /v1/p/queues//actions HTTP/1.1",
    "GET /v1/queues/q/actions HTTP/1.1", "GET /v1/p/queues/q/stats HTTP/1.1", "GET /v1/p/queues/q/actions/x HTTP/1.1",
    "GET /v1/p/queues/\(String(repeating: "q", count: 65))/actions HTTP/1.1",
    "GET /v1/\(String(repeating: "p", count: 257))/queues/q/actions HTTP/1.1",
  ]
  static let leftFields = [
    "Prefer: handling=strict", "Expect: 100-continue", "Content-Length: 0", "content-length: 5",
    "Transfer-Encoding: chunked",
    "Upgrade: h2c", "Connection: close", "Connection: keep-alive, te", "Connection: upgrade", "Connection:",
    "Proxy-Connection: close", "TE: trailers", "Trailer: X", "HTTP2-Settings: x", "Accept: text/html",
    "Accept: */*;q=0", "Accept: */*\r\nAccept: */*", "Host: y", "X-Request-Id:", "X-Request-Id: a b",
    "X-Request-Id: a ", "X-Request-Id: a\r\nX-Request-Id: b", "X: \u{e9}", "X: a\tb", "X:\ta", "X : a", "X", " X: a",
    "X: a\r\n b", "X\u{0}: a", "X: \u{0}", "X: \u{7f}", "X!: a", ": a",
    "X: \(String(repeating: "a", count: 5_000))",
  ]

  @Test func `whatever is not plain is left to the long way`() {
    for line in Self.leftRequestLines { #expect(Self.head("\(line)\r\nHost: x\r\n\r\n") == nil, "\(line)") }
    for field in Self.leftFields {
      #expect(Self.head("GET \(Self.page) HTTP/1.1\r\nHost: x\r\n\(field)\r\n\r\n") == nil, "\(field)")
    }
    #expect(Self.head("GET \(Self.page) HTTP/1.1\r\n\r\n") == nil)
    let many = (0..<32).map { "X-\($0): y\r\n" }.joined()
    #expect(Self.head("GET \(Self.page) HTTP/1.1\r\nHost: x\r\n\(many)\r\n") == nil)
    #expect(Self.head("GET \(Self.page) HTTP/1.1\nHost: x\n\n") == nil)
    #expect(Self.head("\r\nGET \(Self.page) HTTP/1.1\r\nHost: x\r\n\r\n") == nil)
  }

  @Test func `a head that is cut anywhere is not one yet`() {
    let text = "GET \(Self.page)?limit=5&marker=AbCd HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
    for count in 0..<text.utf8.count {
      #expect(Self.head(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil)
    }
    #expect(Self.head(text) != nil)
  }

  // MARK: That nobody can tell

  @Test func `all three ways give the same bytes`() async throws {
    let feed = try Feed()
    try feed.append(3, ttl: 60)
    feed.clock.advance(seconds: 61)
    try feed.append(12, ttl: 3_600)
    feed.clock.advance(seconds: 7)
    let next = try await feed.test { try await $0.get("\(Self.page)?limit=5").next }
    let end = try await feed.test { try await $0.get("\(Self.page)?limit=50").next }
    let id = "X-Request-Id: id"
    var requests = [Self.page, "\(Self.page)?limit=50", next, end, "/v1/p/queues/none/actions"].map {
      "GET \($0) HTTP/1.1\r\nHost: x\r\n\(id)\r\n\r\n"
    }
    requests += [next, end].map { "GET \($0) HTTP/1.1\r\nAccept: application/json\r\n\(id)\r\nHost:\r\n\r\n" }
    requests += ["A", "\(next.dropFirst(40).prefix(60))"].map {
      "GET \(Self.page)?marker=\($0) HTTP/1.1\r\nHost: x\r\n\(id)\r\n\r\n"
    }
    requests += Self.leftRequestLines.map { "\($0)\r\nHost: x\r\n\(id)\r\nConnection: close\r\n\r\n" }
    for currency in [
      nil, FeedCurrency(completeThroughMilliseconds: 1_700_000_000_123),
      FeedCurrency(
        completeThroughMilliseconds: 1_700_000_000_123, behind: .init(detail: "behind", retryAfterSeconds: 3)),
    ] {
      let short = try await Self.answers(to: requests, of: feed.sibling(.short, currency: currency))
      let door = try await Self.answers(to: requests, of: feed.sibling(.door, currency: currency))
      let router = try await Self.answers(to: requests, of: feed.sibling(.router, currency: currency))
      for (index, request) in requests.enumerated() {
        #expect(short[index] == door[index], "\(request.prefix(200))")
        #expect(short[index] == router[index], "\(request.prefix(200))")
      }
      #expect(short[0].contains("Strandline-Lost: 3\r\n"))
      #expect(short[0].contains("Strandline-Complete-Through: ") == (currency != nil))
      #expect(short[4].hasPrefix(currency?.behind == nil ? "HTTP/1.1 204 " : "HTTP/1.1 503 "))
    }
  }

  /// Everything the server sends for each request, on a connection of its own, without its date and made-up ids.
  static func answers(to requests: [String], of server: FeedServer) async throws -> [String] {
    try await serving(server) { port, _, _ in
      try await onThread { () throws in
        try requests.map { request in
          let connection = try RawConnection(port: port)
          connection.send(request)
          if request.contains("Connection: close") { return comparable(try connection.rest()) }
          let answer = try connection.answer()
          return comparable(answer.head + "\r\n\r\n" + answer.body)
        }
      }
    }
  }

  /// Ids made here count up: a problem that names one is as long as its number.
  static func comparable(_ text: String) -> String {
    text.replacing(#/Date: [^\r]*/#, with: "Date: …").replacing(#/"request_id":"[^"]*"/#, with: "")
      .replacing(#/(problem\+json\r\nContent-Length: )\d+/#) { "\($0.1)…" }
      .replacing(#/X-Request-Id: [0-9a-f]+-[0-9a-f]+/#, with: "X-Request-Id: …")
  }

  /// Connections with requests of many kinds, each kind next to each other, or with a fault; all end.
  static let conversations: [[String]] = {
    let plain = "GET \(page)?limit=2 HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n\r\n"
    let other = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: b\r\n\r\n"
    let filtered = "GET \(page)?event=None HTTP/1.1\r\nHost: x\r\nX-Request-Id: c\r\n\r\n"
    let empty = "POST \(page) HTTP/1.1\r\nHost: x\r\nX-Request-Id: d\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
    let bad =
      "POST \(page) HTTP/1.1\r\nHost: x\r\nX-Request-Id: e\r\nContent-Type: application/json\r\n"
      + "Content-Length: 2\r\n\r\n{}"
    let chunked =
      "POST \(page) HTTP/1.1\r\nHost: x\r\nX-Request-Id: f\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "4\r\n\r\n\r\n\r\n0\r\n\r\n"
    let old = "GET \(page) HTTP/1.0\r\nConnection: keep-alive\r\nX-Request-Id: g\r\n\r\n"
    let last = "GET \(page) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: h\r\n\r\n"
    let content =
      "GET \(page) HTTP/1.1\r\nHost: x\r\nX-Request-Id: i\r\nContent-Length: \(plain.utf8.count)\r\n\r\n\(plain)"
    let hopeful = "GET \(page) HTTP/1.1\r\nHost: x\r\nX-Request-Id: j\r\nExpect: 100-continue\r\n\r\n"
    let requests = [plain, other, filtered, empty, bad, chunked, old, content, hopeful]
    let pairs = requests.flatMap { first in requests.map { [first, $0, plain] } }
    return pairs.map { $0 + [last] } + [
      [plain, "nonsense\r\n\r\n", plain], [plain, "GET \(page) HTTP/1.1\r\n\r\n", plain],
      [plain, "POST \(page) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", plain],
      [plain, bad, "POST \(page) HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}", plain],
      [plain, "\r\n", plain, last], [last, plain], [plain, last, plain],
      [plain, "GET \(page) HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n", plain],
      [plain, "GET /\(String(repeating: "a", count: 30_000)) HTTP/1.1\r\nHost: x\r\n\r\n", plain],
      [String(repeating: plain, count: 50) + last],
    ]
  }()

  enum Cut: CaseIterable {
    /// Everything in one piece, request by request without waiting, and in pieces that end anywhere.
    case whole, requests, anywhere
  }

  @Test(arguments: Cut.allCases)
  func `a connection's answers are those of the long way, however its bytes come`(cut: Cut) async throws {
    let feed = try Feed(
      publisher: ActionPublisher { actions, _ in
        actions.map { _ in .success(.init(partition: 0, offset: 1)) }
      })
    try feed.append(5)
    let short = try await Self.talk(Self.conversations, cut, to: feed.sibling(.short))
    let long = try await Self.talk(Self.conversations, .whole, to: feed.sibling(.router))
    for (index, conversation) in Self.conversations.enumerated() {
      #expect(short[index] == long[index], "\(conversation.joined().prefix(600))")
    }
  }

  static func talk(_ conversations: [[String]], _ cut: Cut, to server: FeedServer) async throws -> [String] {
    try await serving(server) { port, _, _ in
      try await onThread { () throws in
        var random = SystemRandomNumberGenerator()
        return try conversations.map { conversation in
          let connection = try RawConnection(port: port)
          switch cut {
          case .whole: connection.send(conversation.joined())
          case .requests: for request in conversation where connection.send(request) {}
          case .anywhere:
            var left = Array(conversation.joined().utf8)[...]
            while !left.isEmpty {
              let part = left.prefix(Int.random(in: 1...200, using: &random))
              guard connection.send(String(decoding: part, as: UTF8.self)) else { break }
              left = left.dropFirst(part.count)
            }
          }
          return comparable(try connection.rest())
        }
      }
    }
  }

  // MARK: That it is taken

  /// Counts what comes past the short way.
  private final class Counter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var bytes = 0
    var reads = 0
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      bytes += unwrapInboundIn(data).readableBytes
      context.fireChannelRead(data)
    }
  }

  @Test func `plain requests are taken, before and after others, and others are passed on whole`() throws {
    let feed = try Feed()
    try feed.append(3)
    let core = feed.server.core(.all)
    let channel = EmbeddedChannel()
    let pipeline = channel.pipeline.syncOperations
    let settings = FeedChannel.Settings(
      limits: ConnectionLimits(), core: core, metrics: core.metrics, listener: "feed", answersPagesDirectly: true,
      takesShortWay: true)
    try FeedChannel.addFront(to: pipeline, settings, allocator: channel.allocator)
    let counter = Counter()
    try pipeline.addHandler(counter, position: .after(try pipeline.handler(type: ShortWay.self)))
    try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    func send(_ text: String) throws -> Int {
      _ = try? channel.writeInbound(ByteBuffer(string: text))
      var answers = 0
      while let part = try channel.readOutbound(as: IOData.self) {
        if case .byteBuffer(let bytes) = part {
          answers += String(buffer: bytes).components(separatedBy: "HTTP/1.1 ").count - 1
        }
      }
      return answers
    }
    let plain = "GET \(Self.page) HTTP/1.1\r\nHost: x\r\n\r\n"
    let filtered = "GET \(Self.page)?event=A HTTP/1.1\r\nHost: x\r\n\r\n"
    #expect(try send(plain) == 1)
    #expect(try send(plain + plain) == 2)
    #expect(counter.bytes == 0)
    // What follows another request in the same piece goes with it.
    #expect(try send(plain + filtered + plain) == 3)
    #expect(counter.bytes == filtered.utf8.count + plain.utf8.count)
    // After that the short way is open again.
    #expect(try send(plain) == 1)
    #expect(counter.bytes == filtered.utf8.count + plain.utf8.count)
    counter.bytes = 0
    // A head in two pieces goes the long way, and so does what follows, unless it is known that nothing is left over.
    #expect(try send(String(decoding: plain.utf8.dropLast(2), as: UTF8.self)) == 0)
    #expect(try send("\r\n") == 1)
    #expect(counter.bytes == plain.utf8.count)
    #expect(try send(plain) == 1)
    #expect(counter.bytes == 2 * plain.utf8.count)
    #expect(try send(plain) == 1)
    #expect(counter.bytes == 2 * plain.utf8.count)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }
}
