import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

/// What is sent with the number of another action.
@Suite struct NumberConflictTests {
  let topic = Topic()

  private static func document(_ items: [String]) -> String { "{\"actions\":[\(items.joined(separator: ","))]}" }

  private static func action(_ number: Int64, queue: String = "q", body: String) -> String {
    #"{"sequence":\#(number),"queue":"\#(queue)","body":\#(body)}"#
  }

  private func refused(_ answer: TestResponse) throws -> [[String: Any]] {
    try #require(answer.object["refused"] as? [[String: Any]])
  }

  @Test func `it is told with the digests of both, however long ago the other came, and never with either's content`()
    async throws
  {
    let feed = try Feed(publisher: topic.publisher)
    topic.attach(feed.store)
    let log = ExchangeTests.log
    try await feed.test { client async throws in
      // More than a log's checksums in memory go back.
      let count: Int64 = 1_000
      for start in [1, 501] as [Int64] {
        let items = (start..<(start + 500)).map { Self.action($0, body: #"{"event":"E", "n":\#($0)}"#) }
        #expect(try await client.post("\(log)/actions", Self.document(items)).status == .ok)
      }
      #expect(topic.posts.count == Int(count))
      let secret = #"{"event":"E", "n":"secret"}"#
      let again = try await client.post(
        "\(log)/actions",
        Self.document([
          Self.action(2, body: #"{"event":"E", "n":2}"#), Self.action(3, body: secret),
          Self.action(4, queue: "r", body: #"{"event":"E", "n":4}"#), Self.action(1_000, body: secret),
          Self.action(1_001, body: secret), Self.action(1_001, body: #"{"event":"E"}"#),
        ]))
      #expect(again.status.code == 207)
      let object = try again.object
      #expect(object["accepted"] as? String == "1001" && object["present"] as? String == "2")
      let refused = try refused(again)
      #expect(refused.compactMap { $0["sequence"] as? Int } == [3, 4, 1_000, 1_001])
      #expect(refused.allSatisfy { $0["status"] as? Int == 409 })
      let digests = refused.compactMap { $0["digests"] as? [String: String] }
      // printf '{"event":"E", "n":"secret"}' | sha256sum
      let ofSecret = "sha256:70413c3f94dd2fd9eae9e8c5e147ec70be6a6fa8901b0db641d166fdfb05f011"
      #expect(
        digests.map { $0["sent"] } == [
          ofSecret, "sha256:1c9bac323b8abfa4f9759f1fb81bb70eea04d07c7c6dfb4085c71959a2a54314", ofSecret,
          "sha256:bf5614a70c6a9430bad585d38cf6f66d02cafe8629a64ce14e2871e192d6d462",
        ])
      #expect(
        digests.map { $0["stored"] } == [
          "sha256:14c764aab5d54874d20227f7196dd6ff8678ee62eca08822c2ab522918b3c907",
          "sha256:1c9bac323b8abfa4f9759f1fb81bb70eea04d07c7c6dfb4085c71959a2a54314",
          "sha256:4fbfa8cea4da7464403e74708d24676c57287caecf196924da62854dce812d09", nil,
        ])
      #expect((refused.dropFirst().first?["detail"] as? String)?.contains("in queue 'q'") == true)
      #expect(!again.text.contains("secret\"}"))
      #expect(topic.posts.count == Int(count) + 1)
      let metrics = try await client.get("/metrics").text
      #expect(metrics.contains(#"strandline_numbered_actions_sent_total{outcome="conflict"} 4"#))
      #expect(metrics.contains(#"strandline_numbered_actions_sent_total{outcome="present"} 1"#))
      #expect(metrics.contains(#"strandline_numbered_actions_sent_total{outcome="accepted"} 1001"#))
    }
  }

  @Test func `what has expired cannot be held against anything, and counts as present`() async throws {
    let feed = try Feed(publisher: topic.publisher)
    topic.attach(feed.store)
    let log = ExchangeTests.log
    try await feed.test { client async throws in
      let items = (1...600).map { Self.action($0, body: #"{"event":"E"}"#) }
      #expect(try await client.post("\(log)/actions", Self.document(Array(items[..<300]))).status == .ok)
      #expect(try await client.post("\(log)/actions", Self.document(Array(items[300...]))).status == .ok)
      let other = Self.document([Self.action(1, body: #"{"event":"F"}"#)])
      #expect(try refused(try await client.post("\(log)/actions", other)).count == 1)
      feed.clock.advance(seconds: 301)
      let answer = try await client.post("\(log)/actions", other)
      #expect(try answer.status == .ok && answer.object["present"] as? String == "1")
    }
  }

  @Test func `what Apache ACE sends again is known by number and checksum alone: its lines do not keep every byte`()
    async throws
  {
    let feed = try Feed(publisher: topic.publisher, aceQueue: try QueueAddress(project: "p", queue: "q"))
    topic.attach(feed.store)
    try await feed.test { client async throws in
      let items = (1...600).map { Self.action($0, body: #"{"event":"BUNDLE_STOPPED",  "details":{"k":{"a": 1}}}"#) }
      for part in [items[..<300], items[300...]] {
        #expect(try await client.post("/v1/p/sources/t/logs/1/actions", Self.document(Array(part))).status == .ok)
      }
      let lines = try await client.get("/auditlog/receive?tid=t&logid=1&range=1-2").text
      #expect(lines.split(separator: "\n").count == 2)
      #expect(try await client.post("/auditlog/send", lines, type: "text/plain").status == .ok)
    }
  }
}
