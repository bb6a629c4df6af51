import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import FeedServer

/// Takes numbered actions as a broker would, and stores them as ingest would.
final class Topic: Sendable {
  private struct State {
    var store: ActionStore?
    var offset: Int64 = 0
    var posts: [NumberedPost] = []
    var failing: Set<Int64> = []
  }

  private let state = Mutex(State())

  func attach(_ store: ActionStore) { state.withLock { $0.store = store } }
  func fail(_ numbers: Set<Int64>) { state.withLock { $0.failing = numbers } }
  var posts: [NumberedPost] { state.withLock { $0.posts } }

  var publisher: ActionPublisher { publisher { _ in nil } }

  func publisher(_ proofFault: @escaping @Sendable (NumberedPost) -> AuditActionError?) -> ActionPublisher {
    ActionPublisher({ _, _ in [] }, numbered: { posts in posts.map { self.take($0) } }, proofFault: proofFault)
  }

  private func take(_ post: NumberedPost) -> ActionPublisher.Outcome {
    state.withLock { state in
      guard !state.failing.contains(post.origin.sequence) else {
        return .failure(PublishFailure(detail: "no broker", mayHaveBeenWritten: false))
      }
      state.posts.append(post)
      let offset = state.offset
      state.offset += 1
      try? state.store?.append(post, offset: offset)
      return .success(ActionPosition(partition: 0, offset: offset))
    }
  }
}

extension ActionStore {
  /// As ingest would.
  func append(_ post: NumberedPost, offset: Int64) throws {
    var intake = beginIntake()
    let key = Array(post.queue.key.utf8)
    let verdict = key.withUnsafeBytes { key in
      post.body.withUnsafeBytes { body in
        intake.judge(
          post.origin, project: post.queue.project, contents: RecordContents(key: key, value: body), partition: 0,
          offset: offset, seal: post.seal)
      }
    }
    let seconds = post.timeToLive?.seconds ?? 300
    _ = try append { batch in
      var marks = intake.marks
      let mark = marks.take(partition: 0, offset: offset)
      key.withUnsafeBytes { key in
        guard verdict == .new else { return batch.skipDuplicate(partition: 0, offset: offset, key: key) }
        let isAdded = post.body.withUnsafeBytes { body in
          batch.add(
            partition: 0, offset: offset, key: key, timestampMilliseconds: post.time.millisecondsSince1970,
            timeToLiveSeconds: seconds, eventHash: 0, body: body)
        }
        if isAdded, let mark { batch.number(mark, keyBytes: key.count, timeToLiveSeconds: seconds) }
      }
      batch.receive(intake)
    }
  }
}

@Suite struct ExchangeTests {
  static let log = "/v1/p/sources/%2Fw/logs/1"
  let topic = Topic()

  private func feed() throws -> Feed {
    let feed = try Feed(publisher: topic.publisher)
    topic.attach(feed.store)
    return feed
  }

  static func action(_ number: Int64, queue: String = "q", text: String = "a") -> String {
    #"{"sequence":\#(number),"queue":"\#(queue)","ttl":300,"time":"2023-11-14T22:13:20Z","body":{"event":"E","#
      + #" "details":{"n":\#(number), "t":"\#(text)"}}}"#
  }

  static func document(_ numbers: [Int64]) -> String {
    "{\"actions\":[" + numbers.map { action($0) }.joined(separator: ",") + "]}"
  }

  private func sequences(_ answer: TestResponse) throws -> [Int] {
    try #require(answer.object["actions"] as? [[String: Any]]).compactMap { $0["sequence"] as? Int }
  }

  @Test func `what is sent is received by its numbers, byte for byte`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let sent = try await client.post("\(Self.log)/actions", Self.document([4, 5, 9]))
      #expect(sent.status == .ok)
      #expect(sent.text == #"{"accepted":"4-5,9","present":"","refused":[],"missing":"1-3,6-8"}"#)
      let answer = try await client.get("\(Self.log)/actions?range=4-8")
      #expect(answer.status == .ok)
      let ids = try #require(answer.object["actions"] as? [[String: Any]]).compactMap { $0["href"] as? String }
      #expect(
        answer.text
          == #"{"source":"/w","log":"1","actions":["#
          + zip([4, 5], ids).map { number, href in
            #"{"sequence":\#(number),"queue":"q","ttl":300,"time":"2023-11-14T22:13:20.000000000Z","href":"\#(href)","#
              + #""body":{"event":"E", "details":{"n":\#(number), "t":"a"}}}"#
          }.joined(separator: ",") + #"],"reached":8,"links":[]}"#)
      for href in ids { #expect(try await client.get(href).status == .ok) }
      // What was received can be sent as it is.
      let list = try #require(answer.text.range(of: "\"actions\":["))
      let end = try #require(answer.text.range(of: "],\"reached\""))
      let again = try await client.post(
        "\(Self.log)/actions", "{\"actions\":[\(answer.text[list.upperBound..<end.lowerBound])]}")
      #expect(again.text == #"{"accepted":"","present":"4-5","refused":[],"missing":"1-3,6-8"}"#)
      #expect(topic.posts.count == 3)
      #expect(try await client.send(.head, "\(Self.log)/actions").body.readableBytes == 0)
    }
  }

  @Test func `pages are followed to the end of a range`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let numbers = Array(Int64(1)...20).filter { $0 % 3 != 0 }
      #expect(try await client.post("\(Self.log)/actions", Self.document(numbers)).status == .ok)
      var found: [Int] = []
      var target = "\(Self.log)/actions?range=2-5,8-1000000000000&limit=3"
      while true {
        let answer = try await client.get(target)
        let page = try sequences(answer)
        #expect(page.count <= 3)
        found += page
        guard let next = try? answer.next else { break }
        target = next
      }
      #expect(found == [2, 4, 5, 8, 10, 11, 13, 14, 16, 17, 19, 20])
    }
  }

  @Test func `each item that cannot be taken is named, and the others are`() async throws {
    let feed = try feed()
    topic.fail([7])
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", Self.document([1, 2])).status == .ok)
      let items = [
        Self.action(2, text: "other"), Self.action(3), Self.action(3), Self.action(3, text: "other"), Self.action(7),
        #"{"sequence":0,"queue":"q","body":{"event":"E"}}"#, #"{"sequence":-1,"queue":"q","body":{"event":"E"}}"#,
        #"{"sequence":9223372036854775808,"queue":"q","body":{"event":"E"}}"#,
        #"{"sequence":8,"queue":"a b","body":{"event":"E"}}"#, #"{"sequence":8,"body":{"event":"E"}}"#,
        #"{"sequence":8,"queue":"q"}"#, #"{"sequence":8,"queue":"q","body":{}}"#,
        #"{"sequence":8,"queue":"q","body":{"event":"E"},"ttl":0}"#,
        #"{"sequence":8,"queue":"q","body":{"event":"E"},"time":"yesterday"}"#,
        #"{"sequence":8,"queue":"q","body":{"event":"E"},"source":"/other"}"#, "7", Self.action(1 << 40),
      ]
      let answer = try await client.post("\(Self.log)/actions", "{\"actions\":[\(items.joined(separator: ","))]}")
      #expect(answer.status.code == 207)
      let object = try answer.object
      #expect(object["accepted"] as? String == "3,1099511627776" && object["present"] as? String == "3")
      #expect(object["missing"] as? String == "4-1099511627775")
      let refused = try #require(object["refused"] as? [[String: Any]])
      #expect(refused.compactMap { $0["index"] as? Int } == [0, 3, 4] + Array(5...15))
      #expect(
        refused.compactMap { $0["status"] as? Int } == [409, 409, 503] + Array(repeating: 400, count: 11))
      #expect(refused.allSatisfy { ($0["detail"] as? String)?.isEmpty == false })
    }
  }

  @Test(
    arguments: [
      "", "[]", "{}", "{\"actions\":[]}", "{\"actions\":7}", "{\"actions\":[{}],\"x\":1}", "nonsense",
      "{\"actions\":[" + Array(repeating: "{}", count: 501).joined(separator: ",") + "]}",
    ])
  func `content that is no list of actions is refused`(content: String) async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", content).status == .badRequest)
      #expect(topic.posts.isEmpty)
    }
  }

  @Test func `content that is too large is refused without being read`() async throws {
    let feed = try feed()
    let large = String(repeating: " ", count: PostResponder.contentBytesMax + 1)
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", large).status == .contentTooLarge)
      #expect(try await client.post("\(Self.log)/actions", Self.document([1]), type: "text/plain").status.code == 415)
      #expect(
        try await client.send(
          .put, "\(Self.log)/lowest", ["Content-Type": "application/json"], body: String(repeating: " ", count: 5_000)
        ).status == .contentTooLarge)
    }
  }

  @Test(
    arguments: [
      ("range=", 200), ("range=1-5", 200), ("range=0", 400), ("range=5-1", 400), ("range=1-5,3-7", 400),
      ("range=a", 400), ("range=1-9223372036854775808", 400), ("limit=0", 400), ("limit=501", 400), ("limit=x", 400),
      ("marker=-1", 400), ("marker=9223372036854775808", 400), ("rnage=1", 400), ("range=1&range=2", 400),
    ])
  func `what is asked for wrongly is refused`(query: String, status: Int) async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", Self.document([1])).status == .ok)
      #expect(try await client.get("\(Self.log)/actions?\(query)").status.code == status)
      #expect(try await client.get("/v1/p/sources/%2Fw/logs/2/actions").status == .notFound)
      #expect(try await client.get("/v1/p/sources/%2Fw/logs/2/lowest").status == .notFound)
      #expect(try await client.get("/v1/p/sources/%2Fw/logs/1/other").status == .notFound)
      #expect(try await client.get("/v1/p/sources/a%20b/logs/1/actions").status == .badRequest)
      #expect(try await client.send(.put, "\(Self.log)/actions").status == .methodNotAllowed)
      #expect(try await client.get("\(Self.log)/actions", ["Accept": "text/html"]).status == .notAcceptable)
    }
  }

  @Test func `a purge point rises only; what is below is neither missing nor received`() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      func put(_ content: String) async throws -> TestResponse {
        try await client.send(.put, "\(Self.log)/lowest", ["Content-Type": "application/json"], body: content)
      }
      #expect(try await put("{\"lowest\":5}").status == .notFound)
      #expect(try await client.post("\(Self.log)/actions", Self.document([1, 2, 5, 9])).status == .ok)
      #expect(try await client.get("\(Self.log)/lowest").text == "{\"lowest\":1}")
      #expect(try await put("{\"lowest\":5}").text == "{\"lowest\":5}")
      #expect(try await put("{\"lowest\":2}").text == "{\"lowest\":5}")
      for bad in ["{\"lowest\":0}", "{\"lowest\":-1}", "{}", "5", "{\"lowest\":1.5}", "{\"lowest\":\"5\"}", "{"] {
        #expect(try await put(bad).status == .badRequest)
      }
      #expect(try sequences(try await client.get("\(Self.log)/actions")) == [5, 9])
      let told = try await client.get(Self.log).object
      #expect(told["lowest"] as? Int == 5 && told["missing_count"] as? Int == 3)
      #expect((told["missing"] as? [[String: Any]])?.compactMap { $0["range"] as? String } == ["6-8"])
      #expect(told["received"] as? String == "1-2,5,9")
      let sent = try await client.post("\(Self.log)/actions", Self.document([2, 3]))
      #expect(sent.text == #"{"accepted":"3","present":"2","refused":[],"missing":"6-8"}"#)
    }
  }

  @Test func `a node without a producer says so`() async throws {
    let feed = try Feed(publisher: ActionPublisher { _, _ in [] })
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", Self.document([1])).status == .serviceUnavailable)
    }
  }
}

@Suite("Numbered actions and queues that are not audited")
struct ExchangeAuditTests {
  @Test("what a queue does not audit is refused: its number does not count as received, nor is it published")
  func refused() async throws {
    let topic = Topic()
    try await AuditedFeed.test(publisher: topic.publisher) { audited, client in
      topic.attach(audited.feed.store)
      #expect(
        try await client.put("/v1/p/queues/kept", #"{"audit":{"enabled":true,"events":["E"]}}"#).status == .created)
      let items = [("kept", "E"), ("kept", "F"), ("other", "E")].enumerated().map { index, item in
        #"{"sequence":\#(index + 1),"queue":"\#(item.0)","ttl":300,"body":{"event":"\#(item.1)"}}"#
      }
      let answer = try await client.send(
        .post, "/v1/p/sources/s/logs/1/actions", ["Content-Type": "application/json"],
        body: #"{"actions":[\#(items.joined(separator: ","))]}"#)
      #expect(answer.status.code == 207)
      let text = String(buffer: answer.body)
      #expect(text.contains(#""accepted":"1""#) && text.contains(#""sequence":2,"status":409"#))
      #expect(text.contains(#""sequence":3,"status":409"#))
      #expect(topic.posts.map(\.origin.sequence) == [1])
      let log = audited.feed.store.sourceLog(SourceLogKey(project: "p", source: "s", log: "1"))
      #expect(log?.received == (try SequenceRanges("1")))
    }
  }
}
