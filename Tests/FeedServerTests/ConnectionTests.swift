import ActionStore
import Foundation
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

@testable import FeedServer

/// What a client may not do to a connection, and how connections end.
@Suite struct ConnectionTests {
  static let page = "/v1/p/queues/q/actions"

  /// Short, for those tests that wait for one of them; the others stay long.
  static func limits(_ set: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
    var limits = ConnectionLimits()
    limits.headTimeout = .seconds(50)
    limits.contentTimeout = .seconds(50)
    limits.idleTimeout = .seconds(50)
    set(&limits)
    return limits
  }

  static func connected<Value: Sendable>(
    _ feed: Feed, receiveBuffer: Int32? = nil, _ body: @escaping @Sendable (RawConnection) throws -> Value
  ) async throws -> Value {
    try await serving(feed.server) { port, _, _ in
      try await onThread { try body(RawConnection(port: port, receiveBuffer: receiveBuffer)) }
    }
  }

  // MARK: Slow and silent clients

  @Test(arguments: ["G", "GET \(page) HTTP/1.1\r\nHost: x\r\n", "\r\n\r\n"])
  func `a head that does not come to its end is timed out`(start: String) async throws {
    let feed = try Feed(limits: Self.limits { $0.headTimeout = .milliseconds(200) })
    try await Self.connected(feed) { connection throws in
      connection.send(start)
      let answer = try connection.answer()
      #expect(answer.code == 408)
      #expect(answer.field("Content-Type") == "application/problem+json")
      #expect(answer.field("Connection") == "close")
      #expect(try connection.isClosed())
    }
    #expect(feed.registry.render().contains("strandline_http_timeouts_total{waited_for=\"head\"} 1\n"))
  }

  @Test func `a head that trickles in is timed out all the same`() async throws {
    let feed = try Feed(limits: Self.limits { $0.headTimeout = .milliseconds(300) })
    try await Self.connected(feed) { connection throws in
      connection.send("GET \(Self.page) HTTP/1.1\r\nHost: x\r\n")
      var isTaken = true
      var sent = 0
      while isTaken, sent < 100_000 {
        isTaken = connection.send("X-\(sent): y\r\n")
        sent += 1
        usleep(10_000)
        if sent > 1_000 { break }
      }
      #expect(!isTaken)
    }
  }

  @Test(arguments: ["Content-Length: 100", "Transfer-Encoding: chunked"])
  func `content that does not come to its end is timed out`(framing: String) async throws {
    let feed = try Feed(
      publisher: ActionPublisher { _, _ in [] }, limits: Self.limits { $0.contentTimeout = .milliseconds(200) })
    try await Self.connected(feed) { connection throws in
      connection.send(
        "POST \(Self.page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\(framing)\r\n\r\n5\r\n{\"bo")
      #expect(try connection.answer().code == 408)
      #expect(try connection.isClosed())
    }
  }

  @Test func `a connection on which nothing comes is closed`() async throws {
    let feed = try Feed(limits: Self.limits { $0.idleTimeout = .milliseconds(200) })
    try await Self.connected(feed) { connection throws in
      #expect(try connection.isClosed())
    }
    try feed.append()
    try await serving(feed.sibling(answersPagesDirectly: true)) { port, _, _ in
      try await onThread { () throws in
        for target in [Self.page, "/livez"] {
          let connection = try RawConnection(port: port)
          connection.send(DirectAnswerTests.request(target))
          #expect(try connection.answer().code == 200)
          #expect(try connection.isClosed())
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func `a client that does not read its answers is closed`(direct: Bool) async throws {
    let feed = try Feed(limits: Self.limits { $0.writeTimeout = .milliseconds(300) }, answersPagesDirectly: direct)
    let filler = String(repeating: "x", count: 200_000)
    try feed.append(50, body: "{\"event\":\"A\",\"x\":\"\(filler)\"}")
    try await Self.connected(feed, receiveBuffer: 4_096) { connection throws in
      connection.send(String(repeating: DirectAnswerTests.request("\(Self.page)?limit=50"), count: 5))
      let deadline = ContinuousClock.now + .seconds(50)
      let counted = "strandline_http_timeouts_total{waited_for=\"write\"} 1\n"
      while !feed.registry.render().contains(counted), .now < deadline { usleep(20_000) }
      #expect(feed.registry.render().contains(counted))
      #expect(try connection.rest().utf8.count < 50_000_000)
    }
  }

  @Test(arguments: [true, false])
  func `a client that reads slowly, but reads, is waited for`(direct: Bool) async throws {
    let limits = Self.limits { $0.writeTimeout = .seconds(2) }
    let feed = try Feed(limits: limits, answersPagesDirectly: direct)
    let filler = String(repeating: "x", count: 250_000)
    try feed.append(50, body: "{\"event\":\"A\",\"x\":\"\(filler)\"}")
    try await Self.connected(feed, receiveBuffer: 65_536) { connection throws in
      for _ in 0..<3 { connection.send(DirectAnswerTests.request("\(Self.page)?limit=50")) }
      // Slow for longer than the timeout, but not slower than what the system itself holds for a client lasts.
      let begin = ContinuousClock.now
      while .now < begin + .seconds(5), try connection.more() { usleep(10_000) }
      for _ in 0..<3 { #expect(try connection.answer().body.utf8.count > 12_500_000) }
    }
  }

  @Test func `when unread answers fill the memory others are asked to come back`() async throws {
    let feed = try Feed(limits: Self.limits { $0.bytesInFlightMax = 8 << 20 })
    let filler = String(repeating: "x", count: 250_000)
    try feed.append(50, body: "{\"event\":\"A\",\"x\":\"\(filler)\"}")
    try await serving(feed.server) { port, _, _ in
      try await onThread { () throws in
        let reader = try RawConnection(port: port, receiveBuffer: 4_096)
        reader.send(DirectAnswerTests.request("\(Self.page)?limit=50"))
        #expect(try reader.more())
        let other = try RawConnection(port: port)
        other.send(DirectAnswerTests.request(Self.page))
        let answer = try other.answer()
        #expect(answer.code == 503)
        #expect(answer.field("Retry-After") == "1")
        let operators = try RawConnection(port: port)
        operators.send(DirectAnswerTests.request("/livez"))
        #expect(try operators.answer().code == 200)
        #expect(try reader.answer().code == 200)
        let later = try RawConnection(port: port)
        later.send(DirectAnswerTests.request("\(Self.page)?limit=1"))
        #expect(try later.answer().code == 200)
      }
    }
  }

  // MARK: Sizes

  @Test(arguments: [32_769, 40_000, 60_000, 500_000])
  func `a target that is too long is answered with 414`(length: Int) async throws {
    let feed = try Feed()
    try await Self.connected(feed) { connection throws in
      connection.send("GET /\(String(repeating: "a", count: length)) HTTP/1.1\r\nHost: x\r\n\r\n")
      let answer = try connection.answer()
      #expect(answer.code == 414)
      #expect(answer.body.contains("32768"))
      #expect(try connection.isClosed())
    }
  }

  @Test func `the longest target is still read`() async throws {
    let feed = try Feed()
    try await Self.connected(feed) { connection throws in
      connection.send("GET /\(String(repeating: "a", count: 32_767)) HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try connection.answer().code == 404)
    }
  }

  @Test func `header fields that are too large or too many are answered with 431`() async throws {
    let feed = try Feed()
    let large = "X: \(String(repeating: "a", count: 40_000))\r\n"
    let many = (0..<101).map { "X-\($0): y\r\n" }.joined()
    let sum = (0..<10).map { "X-\($0): \(String(repeating: "a", count: 4_000))\r\n" }.joined()
    for fields in [large, many, sum] {
      try await Self.connected(feed.fresh()) { connection throws in
        connection.send("GET \(Self.page) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
        #expect(try connection.answer().code == 431)
        #expect(try connection.isClosed())
      }
    }
  }

  @Test func `content over 8 MiB is refused by its length, or when it has come`() async throws {
    let feed = try Feed(publisher: ActionPublisher { _, _ in [] })
    let head = "POST \(Self.page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    try await serving(feed.server) { port, _, _ in
      try await onThread { () throws in
        let announced = try RawConnection(port: port)
        announced.send("\(head)Content-Length: 8388609\r\n\r\n[")
        #expect(try announced.answer().code == 413)
        #expect(try announced.isClosed())

        let chunked = try RawConnection(port: port)
        chunked.send("\(head)Transfer-Encoding: chunked\r\n\r\n")
        let chunk = "10000\r\n\(String(repeating: " ", count: 65_536))\r\n"
        for _ in 0..<140 where chunked.send(chunk) {}
        #expect(try chunked.answer().code == 413)
        #expect(try chunked.rest() == "")
      }
    }
  }

  // MARK: What is no HTTP

  @Test(arguments: [
    "nonsense\r\n\r\n", "GET\r\n\r\n", "GET \(page) HTTP/9.9\r\nHost: x\r\n\r\n", "GET \(page) HTTP/1.1\r\n\r\n",
    "GET \(page) HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET \(page) HTTP/1.1\r\nHost: x\r\nbad field\r\n\r\n",
    "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}",
    "GET \(page) HTTP/1.1\r\nHost: x\u{00}\r\n\r\n",
    "POST \(page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST \(page) HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "GET \(page) HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ])
  func `what is no HTTP is answered with 400 and the connection closed`(text: String) async throws {
    let feed = try Feed(publisher: ActionPublisher { _, _ in [] })
    try await Self.connected(feed) { connection throws in
      connection.send(text)
      let answer = try connection.answer()
      #expect(answer.code == 400)
      #expect(answer.field("Content-Type") == "application/problem+json")
      #expect(try connection.isClosed())
    }
  }

  @Test func `a fault waits for the answers before it`() async throws {
    let feed = try Feed()
    try feed.append()
    try await Self.connected(feed) { connection throws in
      connection.send(
        DirectAnswerTests.request("/livez") + DirectAnswerTests.request(Self.page) + "nonsense\r\n\r\n")
      #expect(try connection.answer().code == 200)
      #expect(try connection.answer().code == 200)
      #expect(try connection.answer().code == 400)
      #expect(try connection.isClosed())
    }
  }

  @Test func `a client that waits to be asked for its content is asked`() async throws {
    let feed = try Feed(
      publisher: ActionPublisher { actions, _ in actions.map { _ in .success(.init(partition: 0, offset: 1)) } })
    try await Self.connected(feed) { connection throws in
      let content = #"{"body":{"event":"A"}}"#
      connection.send(
        "POST \(Self.page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
          + "Content-Length: \(content.utf8.count)\r\n\r\n")
      #expect(try connection.answer().code == 100)
      connection.send(content)
      #expect(try connection.answer().code == 201)
    }
  }

  @Test func `an offer to upgrade is passed over, and the connection ends`() async throws {
    let feed = try Feed()
    try await Self.connected(feed) { connection throws in
      connection.send(DirectAnswerTests.request(Self.page, "Connection: Upgrade", "Upgrade: h2c"))
      let answer = try connection.answer()
      #expect(answer.code == 204)
      #expect(answer.field("Connection") == "close")
      #expect(try connection.isClosed())
    }
  }

  // MARK: The listener

  @Test func `connections over the maximum wait for one to close`() async throws {
    let feed = try Feed(limits: Self.limits { $0.connectionsMax = 1 })
    try await serving(feed.server) { port, _, _ in
      try await onThread { () throws in
        var first: RawConnection? = try RawConnection(port: port)
        first?.send(DirectAnswerTests.request("/livez"))
        #expect(try first?.answer().code == 200)
        // Accepted connections are counted when they are; one may be on its way already.
        let waiting = try (0..<3).map { _ in try RawConnection(port: port) }
        for connection in waiting { connection.send(DirectAnswerTests.request("/livez", "Connection: close")) }
        first = nil
        for connection in waiting { #expect(try connection.answer().code == 200) }
      }
    }
  }

  @Test func `an address in use is a clear error`() async throws {
    let feed = try Feed()
    try await serving(feed.server) { port, _, _ in
      var configuration = feed.server.configuration
      configuration.listen.port = port
      let second = FeedServer(
        configuration: configuration, store: feed.store, publisher: nil, readiness: feed.readiness,
        registry: feed.registry, logger: Feed.logger)
      let error = await #expect(throws: FeedServerError.self) { try await second.run() }
      #expect(error?.description.contains("cannot listen on 127.0.0.1:\(port)") == true)
      #expect(await second.listening() == nil)
    }
  }

  @Test func `a shutdown fails readiness, closes idle connections and lets requests end`() async throws {
    let begun = AsyncStream.makeStream(of: Void.self)
    let allowed = AsyncStream.makeStream(of: Void.self)
    let publisher = ActionPublisher { actions, _ in
      begun.continuation.yield()
      for await _ in allowed.stream { break }
      return actions.map { _ in .success(.init(partition: 0, offset: 1)) }
    }
    let feed = try Feed(management: true, publisher: publisher, limits: Self.limits { $0.drainTimeout = .seconds(40) })
    try await serving(feed.server) { port, management, group in
      let idle = try await onThread { Unshared(try RawConnection(port: port)) }
      let busy = try await onThread { () throws in
        let connection = try RawConnection(port: port)
        let content = #"{"body":{"event":"A"}}"#
        connection.send(
          "POST \(Self.page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(content.utf8.count)\r\n\r\n\(content)")
        return Unshared(connection)
      }
      for await _ in begun.stream { break }
      await group.triggerGracefulShutdown()
      try await onThread { () throws in
        #expect(try idle.value.isClosed())
        let operators = try RawConnection(port: try #require(management))
        operators.send(DirectAnswerTests.request("/readyz"))
        let answer = try operators.answer()
        #expect(answer.code == 503)
        #expect(answer.body.contains("[-]shutdown failed"))
      }
      allowed.continuation.yield()
      try await onThread { () throws in
        let answer = try busy.value.answer()
        #expect(answer.code == 201)
        #expect(answer.field("Connection") == "close")
        #expect(try busy.value.isClosed())
      }
    }
  }

  @Test func `a request that does not end is cut off by a shutdown`() async throws {
    let begun = AsyncStream.makeStream(of: Void.self)
    let publisher = ActionPublisher { _, _ in
      begun.continuation.yield()
      try? await Task.sleep(for: .seconds(600))
      return []
    }
    let feed = try Feed(publisher: publisher, limits: Self.limits { $0.drainTimeout = .milliseconds(200) })
    try await serving(feed.server) { port, _, group in
      let connection = try await onThread { () throws in
        let connection = try RawConnection(port: port)
        let content = #"{"body":{"event":"A"}}"#
        connection.send(
          "POST \(Self.page) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(content.utf8.count)\r\n\r\n\(content)")
        return Unshared(connection)
      }
      for await _ in begun.stream { break }
      await group.triggerGracefulShutdown()
      try await onThread { () throws in #expect(try connection.value.isClosed()) }
    }
  }

  @Test func `open connections are counted`() async throws {
    let feed = try Feed()
    try await Self.connected(feed) { connection throws in
      connection.send(DirectAnswerTests.request("/metrics"))
      #expect(try connection.answer().body.contains("strandline_http_connections{listener=\"feed\"} 1\n"))
    }
    #expect(feed.registry.render().contains("strandline_http_connections{listener=\"feed\"} 0\n"))
  }
}

/// Hands a connection from one thread to the next; never to two.
struct Unshared<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
