import ActionStore
import Foundation
import Testing

@testable import FeedServer

/// Pages answered on the event loop, held against the same pages through Hummingbird.
@Suite struct DirectAnswerTests {
  static func request(
    _ target: String, method: String = "GET", version: String = "1.1", _ fields: String...
  ) -> String {
    let lines = ["\(method) \(target) HTTP/\(version)", "Host: localhost", "X-Request-Id: id"] + fields
    return lines.joined(separator: "\r\n") + "\r\n\r\n"
  }

  /// Targets of every outcome a page request can have.
  static func requests(next: String, ids: String) -> [String] {
    let page = "/v1/p/queues/q/actions"
    let targets = [
      page, "\(page)?limit=1", "\(page)?limit=50&event=ClaimExpired", "\(page)?event=None", next, "\(page)?ids=\(ids)",
      "\(page)?limit=0", "\(page)?marker=x", "\(page)?makrer=x", "\(page)?limit=%4", "/v1/p/queues/none/actions",
      "/v1/p/queues/a%20b/actions", "/v1/queues/q/actions", "/nowhere/actions", "\(page)/",
      "\(page)?marker=\(String(repeating: "A", count: 10_240))",
      "http://localhost\(page)?limit=2",
    ]
    return targets.flatMap { [request($0), request($0, method: "HEAD")] } + [
      request("/v1/queues/q/actions", "X-Project-ID: p"), request("/v1/queues/q/actions", "x-project-id: a b"),
      request(page, "Accept: text/html"), request(page, "Accept: text/html", "Accept: */*;q=0.1"),
      request(page, method: "DELETE"), request(page, "Connection: close"), request(page, version: "1.0"),
      request(page, version: "1.0", "Connection: keep-alive"), request(page, "Content-Length: 0"),
    ]
  }

  @Test func `both ways give the same bytes`() async throws {
    let feed = try Feed()
    try feed.append(12)
    let (next, ids) = try await feed.test { client async throws in
      let answer = try await client.get("/v1/p/queues/q/actions?limit=3")
      let ids = try answer.messages.compactMap { ($0["href"] as? String)?.split(separator: "/").last }
      return (try answer.next, ids.joined(separator: ","))
    }
    let requests = Self.requests(next: next, ids: ids)
    let directly = try await Self.answers(to: requests, of: feed.server)
    let indirectly = try await Self.answers(to: requests, of: feed.sibling(answersPagesDirectly: false))
    #expect(directly.count == requests.count)
    for (index, request) in requests.enumerated() {
      #expect(directly[index] == indirectly[index], "\(request.prefix(200))")
    }
    #expect(Set(directly.map(\.code)) == [200, 204, 400, 404, 405, 406])
  }

  /// Each on a connection of its own.
  static func answers(to requests: [String], of server: FeedServer) async throws -> [RawAnswer] {
    try await serving(server) { port, _, _ in
      try await onThread { () throws in
        try requests.map { request in
          let connection = try RawConnection(port: port)
          connection.send(request)
          return try connection.answer(isHead: request.hasPrefix("HEAD")).comparable
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func `pipelined requests of all kinds are answered in their order`(direct: Bool) async throws {
    let publisher = ActionPublisher { actions, _ in
      await Task.yield()
      return actions.map { _ in .success(.init(partition: 0, offset: 1)) }
    }
    let feed = try Feed(publisher: publisher)
    try feed.append(5)
    let server = feed.sibling(answersPagesDirectly: direct, publisher: publisher)
    let post = #"{"body":{"event":"A"}}"#
    let kinds: [(text: String, isHead: Bool, code: Int)] = [
      ("GET /v1/p/queues/q/actions HTTP/1.1", false, 200), ("GET /livez HTTP/1.1", false, 200),
      ("HEAD /v1/p/queues/q/actions HTTP/1.1", true, 200), ("GET /v1/p/queues/none/actions HTTP/1.1", false, 204),
      ("POST /v1/p/queues/q/actions HTTP/1.1", false, 201), ("GET /nowhere HTTP/1.1", false, 404),
    ]
    try await serving(server) { port, _, _ in
      try await onThread { () throws in
        let connection = try RawConnection(port: port)
        var random = SystemRandomNumberGenerator()
        let chosen = (0..<300).map { _ in Int.random(in: 0..<kinds.count, using: &random) }
        var text = ""
        for (number, kind) in chosen.enumerated() {
          text += "\(kinds[kind].text)\r\nHost: x\r\nX-Request-Id: n\(number)\r\n"
          text +=
            kinds[kind].text.hasPrefix("POST")
            ? "Content-Type: application/json\r\nContent-Length: \(post.utf8.count)\r\n\r\n\(post)" : "\r\n"
        }
        // Cut anywhere, so that requests do not end where reads do.
        var left = text[...]
        while !left.isEmpty {
          let part = left.prefix(Int.random(in: 1...4_000, using: &random))
          connection.send(String(part))
          left = left.dropFirst(part.count)
        }
        for (number, kind) in chosen.enumerated() {
          let answer = try connection.answer(isHead: kinds[kind].isHead)
          #expect(answer.field("X-Request-Id") == "n\(number)")
          #expect(answer.code == kinds[kind].code)
        }
      }
    }
  }

  @Test func `a client that reads late gets every pipelined page whole`() async throws {
    let feed = try Feed()
    let filler = String(repeating: "x", count: 20_000)
    try feed.append(50, body: "{\"event\":\"A\",\"x\":\"\(filler)\"}")
    try await serving(feed.server) { port, _, _ in
      try await onThread { () throws in
        let connection = try RawConnection(port: port, receiveBuffer: 4_096)
        let count = 40
        let request = Self.request("/v1/p/queues/q/actions?limit=50")
        connection.send(String(repeating: request, count: count))
        var first: RawAnswer?
        for _ in 0..<count {
          let answer = try connection.answer().comparable
          #expect(answer.code == 200)
          #expect(answer.body.utf8.count > 1_000_000)
          if let first { #expect(answer == first) } else { first = answer }
        }
        connection.send(Self.request("/livez"))
        #expect(try connection.answer().code == 200)
      }
    }
  }

  @Test(arguments: [true, false])
  func `connections stay or end as the client says`(direct: Bool) async throws {
    let feed = try Feed()
    try feed.append(1)
    try await serving(feed.sibling(answersPagesDirectly: direct)) { port, _, _ in
      try await onThread { () throws in
        let page = "/v1/p/queues/q/actions"
        let stays = try RawConnection(port: port)
        for _ in 0..<3 {
          for target in [page, "/livez"] {
            stays.send(Self.request(target))
            let answer = try stays.answer()
            #expect(answer.code == 200)
            #expect(answer.field("Connection") == nil)
          }
        }
        for target in [page, "/livez"] {
          for request in [
            Self.request(target, "Connection: Close"), Self.request(target, version: "1.0"),
            Self.request(target, "Connection: close, te"),
          ] {
            let ends = try RawConnection(port: port)
            ends.send(request + Self.request(page))
            #expect(try ends.answer().field("Connection") == "close")
            #expect(try ends.isClosed())
          }
          let old = try RawConnection(port: port)
          for _ in 0..<2 {
            old.send(Self.request(target, version: "1.0", "Connection: keep-alive"))
            let answer = try old.answer()
            #expect(answer.code == 200)
            #expect(answer.field("Connection") == "keep-alive")
          }
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func `a client that ends its side first still gets its answers`(direct: Bool) async throws {
    let feed = try Feed()
    let filler = String(repeating: "x", count: 100_000)
    try feed.append(20, body: "{\"event\":\"A\",\"x\":\"\(filler)\"}")
    try await serving(feed.sibling(answersPagesDirectly: direct)) { port, _, _ in
      try await onThread { () throws in
        let connection = try RawConnection(port: port, receiveBuffer: 4_096)
        let request = Self.request("/v1/p/queues/q/actions?limit=50")
        connection.send(direct ? request + request : request)
        connection.endOutput()
        for _ in 0..<(direct ? 2 : 1) { #expect(try connection.answer().body.utf8.count > 2_000_000) }
        #expect(try connection.isClosed())
      }
    }
  }

  @Test func `the date is that of the standard's example and of leap days`() {
    #expect(HTTPDate.format(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.format(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(HTTPDate.format(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    #expect(HTTPDate.format(4_107_542_399) == "Sun, 28 Feb 2100 23:59:59 GMT")
    #expect(HTTPDate.format(4_107_542_400) == "Mon, 01 Mar 2100 00:00:00 GMT")
  }
}
