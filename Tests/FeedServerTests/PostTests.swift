import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import FeedServer

/// A publisher that keeps what it was given and fails the items named.
private final class RecordingPublisher: Sendable {
  let sent = Mutex<[(action: PostedAction, queue: QueueAddress)]>([])
  private let failing: Set<Int>

  init(failing: Set<Int> = []) { self.failing = failing }

  var publisher: ActionPublisher {
    ActionPublisher { actions, queue in
      self.sent.withLock { sent in
        for action in actions { sent.append((action, queue)) }
      }
      return actions.indices.map { index in
        self.failing.contains(index)
          ? .failure(PublishFailure(detail: "the broker said no", mayHaveBeenWritten: index == 1))
          : .success(ActionPosition(partition: 0, offset: Int64(index)))
      }
    }
  }

  var bodies: [String] { sent.withLock { $0.map { String(decoding: $0.action.body, as: UTF8.self) } } }
}

@Suite struct PostTests {
  static let page = "/v1/p/queues/q/actions"
  static let action = #"{"ttl":60,"body":{"event":"A"}}"#

  @Test func `one action is sent byte for byte and answered with its href`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    let body = #"{ "event" : "MessageDeleted","details":{"n":1.50e0,"t":"\u00e9\/ü" } }"#
    try await feed.test(.live) { client async throws in
      let answer = try await client.post(Self.page, "{\"ttl\": 60 , \"body\":\(body)}")
      #expect(answer.status == .created)
      #expect(recorder.bodies == [body])
      #expect(recorder.sent.withLock { $0.first?.action.timeToLive?.seconds } == 60)
      #expect(recorder.sent.withLock { $0.first?.queue.key } == "p/q")
      let resources = try #require(answer.object["resources"] as? [String])
      #expect(try answer.object["partial"] as? Bool == false)
      let id = try #require(resources.first?.split(separator: "/").last)
      #expect(resources == ["\(Self.page)/\(id)"])
      #expect(answer.field("Location") == "\(Self.page)?ids=\(id)")
      // The href is that of the acknowledged position.
      try feed.append()
      #expect(try await client.get(resources[0]).status == .ok)
    }
  }

  @Test(arguments: [1, 2, 100])
  func `arrays and Zaqar's messages are taken, up to a hundred`(count: Int) async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    let items = (0..<count).map { #"{"body":{"event":"E\#($0)"},"ttl":\#($0 + 1),"delay":0}"# }.joined(separator: " , ")
    try await feed.test { client async throws in
      for document in ["[\(items)]", "{\"messages\":[\(items)]}"] {
        let answer = try await client.post(Self.page, document, type: "Application/JSON; charset=UTF-8")
        #expect(answer.status == .created)
        #expect(try (answer.object["resources"] as? [String])?.count == count)
        let location = try #require(answer.field("Location"))
        #expect(location.split(separator: ",").count == min(count, 50))
      }
      #expect(recorder.bodies == (0..<2).flatMap { _ in (0..<count).map { #"{"event":"E\#($0)"}"# } })
      let byAlias = try await client.send(
        .post, "/v1/queues/q/actions", ["X-Project-ID": "p", "Content-Type": "application/json"], body: Self.action)
      #expect(byAlias.status == .created)
      #expect(byAlias.field("Location")?.hasPrefix("\(Self.page)?ids=") == true)
    }
  }

  @Test func `without a ttl the node's default is left to apply`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    try await feed.test { client async throws in
      #expect(try await client.post(Self.page, #"{"body":{"event":"A"}}"#).status == .created)
      #expect(recorder.sent.withLock { $0.first?.action.timeToLive } == nil)
    }
  }

  @Test(arguments: [
    ("", nil), ("nonsense", nil), ("7", nil), ("\"text\"", nil), ("null", nil), ("[]", "messages"), ("{}", "body"),
    ("{\"messages\":[]}", "messages"), ("{\"messages\":7}", "messages"), ("{\"messages\":[],\"x\":1}", "messages"),
    (#"{"ttl":60}"#, "body"), (#"{"ttl":60,"body":7}"#, nil), (#"{"ttl":60,"body":{}}"#, "event"),
    (#"{"ttl":60,"body":{"event":7}}"#, "event"), (#"{"ttl":60,"body":{"event":""}}"#, "event"),
    (#"{"ttl":0,"body":{"event":"A"}}"#, "ttl"), (#"{"ttl":1209601,"body":{"event":"A"}}"#, "ttl"),
    (#"{"ttl":-1,"body":{"event":"A"}}"#, "ttl"), (#"{"ttl":1.5,"body":{"event":"A"}}"#, "ttl"),
    (#"{"ttl":"60","body":{"event":"A"}}"#, "ttl"), (#"{"ttl":null,"body":{"event":"A"}}"#, "ttl"),
    (#"{"ttl":99999999999999999999,"body":{"event":"A"}}"#, "ttl"), (#"{"tll":60,"body":{"event":"A"}}"#, "tll"),
    (#"{"ttl":60,"ttl":70,"body":{"event":"A"}}"#, "ttl"), (#"{"delay":5,"body":{"event":"A"}}"#, "delay"),
    (#"{"body":{"event":"A"}} x"#, nil), (#"{"body":{"event":"A",}}"#, nil), ("[7]", nil),
    (#"{"body":{"event":"A","d":"# + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}}", nil),
  ])
  func `bad content is refused and nothing is sent`(content: String, parameter: String?) async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    try await feed.test { client async throws in
      let answer = try await client.post(Self.page, content)
      #expect(answer.status == .badRequest)
      #expect(answer.field("Content-Type") == "application/problem+json")
      #expect(try answer.object["parameter"] as? String == parameter)
      #expect(recorder.bodies.isEmpty)
    }
  }

  @Test func `invalid UTF-8 is refused`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    let bytes = Array(#"{"body":{"event":"A","x":""#.utf8) + [0xC3, 0x28] + Array(#""}}"#.utf8)
    try await feed.test { client async throws in
      let answer = try await client.execute(
        uri: Self.page, method: .post, headers: [.contentType: "application/json"], body: ByteBuffer(bytes: bytes),
        testCallback: { $0 })
      #expect(answer.status == .badRequest)
      #expect(recorder.bodies.isEmpty)
    }
  }

  @Test func `every bad item is named, and the good ones are not sent`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    try await feed.test { client async throws in
      let answer = try await client.post(
        Self.page, #"[\#(Self.action),{"ttl":0,"body":{"event":"A"}},\#(Self.action),{"body":{}}]"#)
      #expect(answer.status == .badRequest)
      let errors = try #require(answer.object["errors"] as? [[String: Any]])
      #expect(errors.compactMap { $0["index"] as? Int } == [1, 3])
      #expect(errors.compactMap { $0["parameter"] as? String } == ["ttl", "event"])
      #expect(errors.allSatisfy { ($0["detail"] as? String)?.isEmpty == false })
      #expect(recorder.bodies.isEmpty)
    }
  }

  @Test func `more than a hundred actions are refused`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    try await feed.test { client async throws in
      let items = Array(repeating: Self.action, count: 101).joined(separator: ",")
      let answer = try await client.post(Self.page, "[\(items)]")
      #expect(answer.status == .badRequest)
      #expect(try answer.object["allowed"] as? [String: Int] == ["minimum": 1, "maximum": 100])
      #expect(recorder.bodies.isEmpty)
    }
  }

  @Test func `a body over 256 KiB and content over 8 MiB are too large`() async throws {
    let recorder = RecordingPublisher()
    let feed = try Feed(publisher: recorder.publisher)
    @Sendable func body(of bytes: Int) -> String {
      let frame = #"{"event":"A","x":""}"#
      return #"{"event":"A","x":"\#(String(repeating: "x", count: bytes - frame.utf8.count))"}"#
    }
    try await feed.test { client async throws in
      #expect(try await client.post(Self.page, "{\"body\":\(body(of: 262_144))}").status == .created)
      let over = try await client.post(Self.page, "{\"body\":\(body(of: 262_145))}")
      #expect(over.status == .contentTooLarge)
      #expect(try over.object["allowed"] as? [String: Int] == ["minimum": 0, "maximum": 262_144])
      let list = Array(repeating: "{\"body\":\(body(of: 262_144))}", count: 33).joined(separator: ",")
      #expect(try await client.post(Self.page, "[\(list)]").status == .contentTooLarge)
      #expect(recorder.bodies.count == 1)
    }
  }

  @Test(
    arguments: [
      nil, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx",
      "",
    ] as [String?])
  func `another content type is not supported`(type: String?) async throws {
    let feed = try Feed(publisher: RecordingPublisher().publisher)
    try await feed.test { client async throws in
      let answer = try await client.post(Self.page, Self.action, type: type)
      #expect(answer.status == .unsupportedMediaType)
      #expect(answer.field("Accept") == "application/json")
    }
  }

  @Test func `packed content is not supported`() async throws {
    let feed = try Feed(publisher: RecordingPublisher().publisher)
    try await feed.test { client async throws in
      let headers = ["Content-Type": "application/json", "Content-Encoding": "gzip"]
      #expect(try await client.send(.post, Self.page, headers, body: Self.action).status == .unsupportedMediaType)
    }
  }

  @Test func `bad names, queries and Accept are refused for POST too`() async throws {
    let feed = try Feed(publisher: RecordingPublisher().publisher)
    try await feed.test { client async throws in
      #expect(try await client.post("/v1/p/queues/a%20b/actions", Self.action).status == .badRequest)
      #expect(try await client.post("\(Self.page)?limit=1", Self.action).status == .badRequest)
      let headers = ["Content-Type": "application/json", "Accept": "text/html"]
      #expect(try await client.send(.post, Self.page, headers, body: Self.action).status == .notAcceptable)
    }
  }

  @Test func `when some fail the outcome of each is told`() async throws {
    let recorder = RecordingPublisher(failing: [1])
    let feed = try Feed(publisher: recorder.publisher)
    try await feed.test { client async throws in
      let answer = try await client.post(Self.page, "[\(Self.action),\(Self.action),\(Self.action)]")
      #expect(answer.status.code == 207)
      let object = try answer.object
      #expect(object["partial"] as? Bool == true)
      let resources = try #require(object["resources"] as? [String])
      #expect(resources.count == 2)
      let items = try #require(object["items"] as? [[String: Any]])
      #expect(items.compactMap { $0["status"] as? Int } == [201, 503, 201])
      #expect(items.compactMap { $0["href"] as? String } == resources)
      #expect(items[1]["detail"] as? String == "the broker said no")
      #expect(items[1]["may_have_been_written"] as? Bool == true)
      #expect(answer.field("Location")?.split(separator: ",").count == 2)
    }
  }

  @Test func `when all fail the service is unavailable and says when to come back`() async throws {
    let feed = try Feed(publisher: RecordingPublisher(failing: [0, 1]).publisher)
    try await feed.test { client async throws in
      let answer = try await client.post(Self.page, "[\(Self.action),\(Self.action)]")
      #expect(answer.status == .serviceUnavailable)
      #expect(answer.field("Retry-After") == "5")
      #expect(try (answer.object["errors"] as? [[String: Any]])?.count == 2)
    }
  }

  @Test func `a node without a producer takes no posts`() async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.post(Self.page, Self.action).status == .serviceUnavailable)
    }
  }
}
