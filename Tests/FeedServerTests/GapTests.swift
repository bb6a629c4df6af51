import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

/// Every test runs over the short way and the long one.
@Suite struct GapTests {
  private struct Told: Equatable {
    var reason: String
    var count: Int?
    var from: Int
    var to: Int
  }

  private static func gaps(_ object: [String: Any]) throws -> [Told] {
    try (object["gaps"] as? [[String: Any]] ?? []).map { gap in
      let from = try #require(gap["from"] as? [String: Int])
      let to = try #require(gap["to"] as? [String: Int])
      #expect(Set(gap.keys) == ["reason", "count", "from", "to", "links"])
      #expect(from["partition"] == to["partition"])
      return Told(
        reason: try #require(gap["reason"] as? String), count: gap["count"] as? Int,
        from: try #require(from["offset"]), to: try #require(to["offset"]))
    }
  }

  private func feed(isDirect: Bool) throws -> Feed { try Feed(answersPagesDirectly: isDirect) }

  @Test(arguments: [true, false])
  func `a page says what expired before it, once, and a page without a gap says nothing`(isDirect: Bool) async throws {
    let feed = try feed(isDirect: isDirect)
    try feed.append(3, ttl: 10)
    feed.clock.advance(seconds: 20)
    try feed.append(1)
    try await feed.test(.live) { client async throws in
      let first = try await client.get("/v1/p/queues/q/actions")
      #expect(first.status == .ok)
      #expect(try first.messages.count == 1)
      #expect(try Self.gaps(first.object) == [Told(reason: "expired", count: 3, from: 0, to: 2)])
      #expect(first.field("Strandline-Lost") == "3")
      try feed.append(1)
      let second = try await client.get(try first.next)
      #expect(try second.messages.count == 1)
      #expect(try second.object["gaps"] == nil)
      #expect(second.field("Strandline-Lost") == nil)
      #expect(try await client.get(try second.next).status == .noContent)
    }
  }

  @Test(arguments: [true, false])
  func `a gap with nothing behind it is a 200, and its next is a 204`(isDirect: Bool) async throws {
    let feed = try feed(isDirect: isDirect)
    try feed.append(4, ttl: 10)
    try await feed.test(.live) { client async throws in
      let read = try await client.get("/v1/p/queues/q/actions?limit=1")
      feed.clock.advance(seconds: 20)
      for uri in ["/v1/p/queues/q/actions", try read.next] {
        let page = try await client.get(uri)
        #expect(page.status == .ok)
        #expect(try page.messages.isEmpty)
        let lost = uri.contains("marker") ? 3 : 4
        #expect(try Self.gaps(page.object) == [Told(reason: "expired", count: lost, from: 4 - lost, to: 3)])
        #expect(try await client.get(try page.next).status == .noContent)
        let head = try await client.send(.head, uri)
        #expect(head.status == .ok)
        #expect(head.field("Strandline-Lost") == "\(lost)")
      }
    }
  }

  @Test(arguments: [true, false])
  func `a strict reader is stopped with 410, told the same, and resumes behind it`(isDirect: Bool) async throws {
    let feed = try feed(isDirect: isDirect)
    try feed.append(1)
    try feed.append(2, ttl: 10)
    try feed.append(1)
    feed.clock.advance(seconds: 20)
    try await feed.test(.live) { client async throws in
      let strict = ["Prefer": "respond-async, Handling = \"strict\"; a=b"]
      let first = try await client.get("/v1/p/queues/q/actions", strict)
      #expect(first.status == .ok)
      #expect(try first.messages.count == 1)
      #expect(first.field("Preference-Applied") == "handling=strict")
      let stopped = try await client.get(try first.next, strict)
      #expect(stopped.status.code == 410)
      #expect(stopped.field("Content-Type") == "application/problem+json")
      #expect(stopped.field("Strandline-Lost") == "2")
      #expect(try Self.gaps(stopped.object) == [Told(reason: "expired", count: 2, from: 1, to: 2)])
      #expect(try await client.get(try first.next, strict).status.code == 410)
      let resume = try #require(try stopped.object["resume"] as? String)
      let rest = try await client.get(resume, strict)
      #expect(try rest.messages.count == 1)
      #expect(try rest.object["gaps"] == nil)
      #expect(try await client.get(try rest.next, strict).status == .noContent)
      // Without the preference the same marker gets page and gap together.
      let lenient = try await client.get(try first.next, ["Prefer": "handling=lenient"])
      #expect(lenient.status == .ok)
      #expect(lenient.field("Strandline-Lost") == "2")
      #expect(lenient.field("Preference-Applied") == nil)
    }
  }

  @Test(arguments: [true, false])
  func `what was not counted is null, and the header says unknown`(isDirect: Bool) async throws {
    let feed = try feed(isDirect: isDirect)
    try feed.append(1)
    _ = try feed.store.append { batch in batch.recordHole(partition: 0, to: 50, reason: .storeFull) }
    try await feed.test(.live) { client async throws in
      let page = try await client.get("/v1/p/queues/q/actions")
      #expect(try Self.gaps(page.object) == [Told(reason: "store-full", count: nil, from: 1, to: 49)])
      #expect(page.field("Strandline-Lost") == "unknown")
    }
  }

  @Test func `a gap links to the archive where there is one`() async throws {
    let feed = try Feed(archive: ArchiveLink(url: "s3://audit/strand\"line", topic: "audit.actions"))
    try feed.append(3, ttl: 10)
    feed.clock.advance(seconds: 20)
    try await feed.test { client async throws in
      for headers in [[:], ["Prefer": "handling=strict"]] {
        let page = try await client.get("/v1/p/queues/q/actions", headers)
        let gap = try #require(try (page.object["gaps"] as? [[String: Any]])?.first)
        let link = try #require((gap["links"] as? [[String: Any]])?.first)
        #expect(link["rel"] as? String == "archive")
        #expect(link["href"] as? String == "s3://audit/strand\"line/topic=audit.actions/")
        #expect(link["partition"] as? Int == 0)
        #expect(link["offsets"] as? String == "0-2")
      }
    }
  }

  @Test func `the counters add up over all queues`() async throws {
    let feed = try Feed()
    try feed.append(3, ttl: 10)
    try feed.append(2, queue: "p/other")
    feed.clock.advance(seconds: 20)
    try await feed.test { client async throws in
      let counters = try await client.get("/counters").object
      #expect(counters["queues"] as? Int == 2)
      #expect(counters["received"] as? Int == 5)
      #expect(counters["live"] as? Int == 2)
      #expect(counters["expired_unread"] as? Int == 3)
      #expect(counters["unbalanced_queues"] as? Int == 0)
    }
  }

  @Test func `an id this node has not come to is not called unknown`() async throws {
    let other = try Feed()
    try other.append(5)
    let behind = try Feed()
    try behind.append(2)
    try await other.test { client async throws in
      let href = try #require(try await client.get("/v1/p/queues/q/actions").messages.last?["href"] as? String)
      try await behind.test { client async throws in
        #expect(try await client.get(href).status == .serviceUnavailable)
        try behind.append(3)
        #expect(try await client.get(href).status == .ok)
      }
    }
  }
}
