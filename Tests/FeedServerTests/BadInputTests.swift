import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

/// Every bad input of a request for actions: what is answered, and which parameter is named.
@Suite struct BadInputTests {
  static let page = "/v1/p/queues/q/actions"

  @Test(arguments: [
    ("limit=0", "limit"), ("limit=51", "limit"), ("limit=abc", "limit"), ("limit=-1", "limit"), ("limit=1.5", "limit"),
    ("limit=99999999999999999999", "limit"), ("limit=%31%30%30", "limit"), ("limit=10&limit=20", "limit"),
    ("marker=", "marker"), ("marker=a&marker=b", "marker"), ("marker=AAAA", "marker"), ("marker=%20", "marker"),
    ("event=", "event"), ("event=%07", "event"), ("event=" + String(repeating: "x", count: 257), "event"),
    (String(repeating: "event=a&", count: 11), "event"), ("ids=", "ids"), ("ids=a&limit=1", "ids"), ("ids=abc", "ids"),
    ("ids=" + (0..<51).map { "id\($0)" }.joined(separator: ","), "ids"), ("makrer=abc", "makrer"), ("Limit=5", "Limit"),
    ("color=red", "color"),
  ])
  func `a bad parameter is answered with a problem that names it`(query: String, parameter: String) async throws {
    let feed = try Feed()
    try feed.append()
    try await feed.test { client async throws in
      let answer = try await client.get("\(Self.page)?\(query)")
      #expect(answer.status == .badRequest)
      #expect(answer.field("Content-Type") == "application/problem+json")
      let problem = try answer.object
      #expect(problem["parameter"] as? String == parameter)
      #expect(problem["status"] as? Int == 400)
      #expect((problem["type"] as? String)?.hasPrefix("urn:problem-type:strandline:") == true)
      #expect(problem["instance"] as? String == Self.page)
      #expect((problem["detail"] as? String)?.isEmpty == false)
      #expect(problem["request_id"] as? String == answer.field("X-Request-Id"))
    }
  }

  @Test func `a problem tells the allowed range`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let allowed = try await client.get("\(Self.page)?limit=51").object["allowed"] as? [String: Int]
      #expect(allowed == ["minimum": 1, "maximum": 50])
    }
  }

  @Test func `a misspelt parameter is answered with the nearest known one`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let problem = try await client.get("\(Self.page)?makrer=abc").object
      #expect((problem["detail"] as? String)?.contains("did you mean 'marker'?") == true)
    }
  }

  @Test func `broken percent encoding is refused`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      for uri in ["\(Self.page)?limit=%4", "\(Self.page)?event=%ff", "/v1/%zz/queues/q/actions"] {
        #expect(try await client.get(uri).status == .badRequest)
      }
    }
  }

  @Test func `damaged, truncated and foreign markers are refused, and never read as the head`() async throws {
    let feed = try Feed()
    try feed.append(3)
    try feed.append(3, queue: "p/other")
    try feed.append(3, queue: "other/q")
    try await feed.test { client async throws in
      let next = try await client.get("\(Self.page)?limit=1").next
      let start = try #require(next.range(of: "marker=")).upperBound
      let marker = String(next[start...].prefix { $0 != "&" })
      #expect(try await client.get("\(Self.page)?marker=\(marker)").status == .ok)
      var bad = [String(marker.dropLast()), String(marker.dropFirst()), marker + "A", marker + "=", marker + "%00"]
      bad.append(String(repeating: "A", count: 10_240))
      for index in stride(from: 0, to: marker.count, by: 7) {
        var characters = Array(marker)
        characters[index] = characters[index] == "A" ? "B" : "A"
        bad.append(String(characters))
      }
      for marker in bad {
        let answer = try await client.get("\(Self.page)?marker=\(marker)")
        #expect(answer.status == .badRequest, "\(marker.prefix(100))")
        #expect(try answer.object["parameter"] as? String == "marker")
      }
      for foreign in ["/v1/p/queues/other/actions", "/v1/other/queues/q/actions"] {
        #expect(try await client.get("\(foreign)?marker=\(marker)").status == .badRequest)
      }
    }
  }

  @Test func `damaged and foreign ids are refused, unknown and expired ones are not found`() async throws {
    let feed = try Feed()
    try feed.append(1)
    try feed.append(1, queue: "p/other")
    try await feed.test { client async throws in
      let href = try #require(await client.get(Self.page).messages.first?["href"] as? String)
      #expect(try await client.get(href).status == .ok)
      let id = String(href.split(separator: "/").last ?? "")
      for bad in [String(id.dropLast()), id + "A", "x", String(repeating: "A", count: 10_240), id + "%00"] {
        let answer = try await client.get("\(Self.page)/\(bad)")
        #expect(answer.status == .badRequest, "\(bad.prefix(100))")
        #expect(try answer.object["parameter"] as? String == "id")
        #expect(try await client.get("\(Self.page)?ids=\(bad)").status == .badRequest)
      }
      #expect(try await client.get("/v1/p/queues/other/actions/\(id)").status == .badRequest)
      #expect(try await client.get("/v1/other/queues/q/actions/\(id)").status == .badRequest)
      let queue = try QueueAddress(project: "p", queue: "q")
      let unknown = feed.store.sealer.seal(id: .init(partition: 0, offset: 1), queue: queue)
      #expect(try await client.get("\(Self.page)/\(unknown)").status == .notFound)
      feed.clock.advance(seconds: 300)
      #expect(try await client.get(href).status == .notFound)
      #expect(try await client.get("\(Self.page)?ids=\(id)").status == .notFound)
    }
  }

  @Test(arguments: [
    ("/v1/\(String(repeating: "p", count: 257))/queues/q/actions", "project"),
    ("/v1/a%20b/queues/q/actions", "project"),
    ("/v1/p%C3%A9/queues/q/actions", "project"), ("/v1//queues/q/actions", "project"),
    ("/v1/p/queues/\(String(repeating: "q", count: 65))/actions", "queue"), ("/v1/p/queues/a%2Fb/actions", "queue"),
    ("/v1/p/queues//actions", "queue"), ("/v1/p/queues/q$/actions/abc", "queue"), ("/v1/p/queues/q%21/stats", "queue"),
    ("/v1/p%21/queues", "project"),
  ])
  func `names outside the allowed characters or lengths are refused`(uri: String, parameter: String) async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let answer = try await client.get(uri)
      #expect(answer.status == .badRequest)
      #expect(try answer.object["parameter"] as? String == parameter)
    }
  }

  @Test func `the longest names are allowed`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let project = String(repeating: "P", count: 256)
      let queue = String(repeating: ".", count: 64)
      #expect(try await client.get("/v1/\(project)/queues/\(queue)/actions").status == .noContent)
    }
  }

  @Test(arguments: [
    "/", "/v1", "/v1/", "/v2/p/queues/q/actions", "/v1/p/queues/q/messages", "/v1/queues/q/messages",
    "/v1/p/queues/q/actions/id/more", "/v1/p", "//v1/p/queues/q/actions", "/metrics/x", "/favicon.ico",
    "/v1/a/b/c/d/e/f/g/h/i/j",
  ])
  func `an unknown route is not found`(uri: String) async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      let answer = try await client.get(uri)
      #expect(answer.status == .notFound)
      #expect(answer.field("Content-Type") == "application/problem+json")
    }
  }

  @Test func `a wrong method is answered with those that are allowed`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      for (uri, allow) in [
        (Self.page, "GET, HEAD, POST"), ("\(Self.page)/abc", "GET, HEAD"), ("/v1/p/queues", "GET, HEAD"),
        ("/v1/p/queues/q/stats", "GET, HEAD"), ("/metrics", "GET, HEAD"), ("/v1/queues/q/actions", "GET, HEAD, POST"),
      ] {
        for method in [HTTPRequest.Method.delete, .put, .patch, .options] {
          let answer = try await client.send(method, uri)
          #expect(answer.status == .methodNotAllowed)
          #expect(answer.field("Allow") == allow)
        }
      }
      #expect(try await client.post("\(Self.page)/abc", "{}").status == .methodNotAllowed)
    }
  }

  @Test(arguments: [
    ("text/html", 406), ("application/json;q=0", 406), ("application/json;q=0, */*", 406), ("text/*", 406),
    ("*/*;q=0", 406), ("application/json", 204), ("*/*", 204), ("application/*;q=0.1", 204), ("", 204),
    ("text/html, application/json;q=0.5", 204), ("text/html,*/*;q=0.8", 204), ("APPLICATION/JSON; q=1.0", 204),
  ])
  func `Accept is respected`(accept: String, code: Int) async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.get(Self.page, ["Accept": accept]).status.code == code)
    }
  }

  @Test func `the request id of a client goes out again when it is fit, else one is made`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.get(Self.page, ["X-Request-Id": "a-1.b_2"]).field("X-Request-Id") == "a-1.b_2")
      let first = try #require(await client.get(Self.page).field("X-Request-Id"))
      let second = try #require(await client.get(Self.page).field("X-Request-Id"))
      #expect(first != second && RequestID.isFit(first))
      for unfit in ["a b", "é", String(repeating: "x", count: 129), "<script>"] {
        let given = try await client.get("/nowhere", ["X-Request-Id": unfit]).field("X-Request-Id")
        #expect(given != unfit && given?.isEmpty == false)
      }
    }
  }
}
