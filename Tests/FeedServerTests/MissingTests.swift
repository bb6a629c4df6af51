import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

/// Every test runs over the short way and the long one.
@Suite struct MissingTests {
  /// Stores numbers of a source, as ingest would, for a queue.
  private func receive(_ numbers: [Int64], queue: String = "q", log: String = "1", in feed: Feed)
    throws
  {
    var intake = feed.store.beginIntake()
    _ = try feed.store.append { batch in
      for number in numbers {
        let origin = try Array("/workers/7".utf8).withUnsafeBytes { source in
          try Array(log.utf8).withUnsafeBytes { log in
            try Array(String(number).utf8).withUnsafeBytes { number in
              try ActionOrigin(source: source, log: log, sequence: number)
            }
          }
        }
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        _ = intake.judge(
          origin, project: "p", queue: queue, contents: RecordContents(key: empty, value: empty),
          partition: 1,
          offset: 0)
      }
      batch.receive(intake)
      batch.advance(partition: 1, to: (feed.store.nextOffset(of: 1) ?? 0) + 1)
    }
  }

  private static let statement =
    #""missing":[{"source":"/workers/7","log":"1","count":4,"ranges":"2-4,7","since":"2023-11-14T22:13:20.000000000Z","#
    + #""href":"/v1/p/sources/%2Fworkers%2F7/logs/1"}]}"#

  @Test(arguments: [true, false])
  func `a page says what has not come, until it comes; an empty answer stays one`(isDirect: Bool)
    async throws
  {
    let feed = try Feed(answersPagesDirectly: isDirect)
    try feed.append(2)
    try feed.append(1, queue: "p/other")
    try receive([1, 5, 6, 8], in: feed)
    try feed.store.maintain()
    try await feed.test(.live) { client async throws in
      let early = try await client.get("/v1/p/queues/q/actions")
      #expect(try early.object["missing"] == nil && early.field("Strandline-Missing") == nil)
      feed.clock.advance(seconds: 10)
      try feed.store.maintain()
      let page = try await client.get("/v1/p/queues/q/actions")
      #expect(page.status == .ok && page.text.hasSuffix(Self.statement))
      #expect(try page.messages.count == 2 && page.object["gaps"] == nil)
      #expect(page.field("Strandline-Missing") == "4" && page.field("Strandline-Lost") == nil)
      let filtered = try await client.get("/v1/p/queues/q/actions?event=ClaimExpired&limit=1")
      #expect(
        filtered.text.hasSuffix(Self.statement) && filtered.field("Strandline-Missing") == "4")
      let href = try #require(
        try (page.object["missing"] as? [[String: Any]])?.first?["href"] as? String)
      #expect(try await client.get(href).status == .ok)
      for uri in [try page.next, "/v1/p/queues/q/actions?event=Nothing"] {
        let empty = try await client.get(uri)
        #expect(
          empty.status == .noContent && empty.field("Strandline-Missing") == "4"
            && empty.text.isEmpty)
      }
      let head = try await client.send(.head, "/v1/p/queues/q/actions")
      #expect(head.status == .ok && head.field("Strandline-Missing") == "4")
      let other = try await client.get("/v1/p/queues/other/actions")
      #expect(try other.object["missing"] == nil && other.field("Strandline-Missing") == nil)
      try receive([2, 3, 4, 7], in: feed)
      let whole = try await client.get("/v1/p/queues/q/actions")
      #expect(try whole.object["missing"] == nil && whole.field("Strandline-Missing") == nil)
      #expect(try await client.get(try page.next).field("Strandline-Missing") == nil)
    }
  }

  @Test(arguments: [true, false])
  func `it stands behind the gaps of a page`(isDirect: Bool) async throws {
    let feed = try Feed(answersPagesDirectly: isDirect)
    try receive([1, 5, 6, 8], in: feed)
    try feed.append(1, ttl: 5)
    feed.clock.advance(seconds: 10)
    try feed.append(1)
    try feed.store.maintain()
    try await feed.test(.live) { client async throws in
      let page = try await client.get("/v1/p/queues/q/actions")
      #expect(
        page.text.contains(#"],"gaps":[{"reason":"expired""#)
          && page.text.hasSuffix("]," + Self.statement))
      #expect(page.field("Strandline-Lost") == "1" && page.field("Strandline-Missing") == "4")
    }
  }

  @Test func `all three ways say it in the same bytes, and a node that is behind does not say it`()
    async throws
  {
    let feed = try Feed()
    try feed.append(1)
    try receive([1, 5, 6, 8], in: feed)
    feed.clock.advance(seconds: 10)
    try feed.store.maintain()
    let next = try await feed.test { try await $0.get("/v1/p/queues/q/actions").next }
    let requests = ["/v1/p/queues/q/actions", next].map {
      "GET \($0) HTTP/1.1\r\nHost: x\r\nX-Request-Id: id\r\n\r\n"
    }
    for isBehind in [true, false] {
      let behind = isBehind ? FeedCurrency.Behind(detail: "it reads", retryAfterSeconds: 1) : nil
      let currency = FeedCurrency(completeThroughMilliseconds: 1, behind: behind)
      let short = try await ShortWayTests.answers(
        to: requests, of: feed.sibling(.short, currency: currency))
      for way in [PageWay.door, .router] {
        #expect(
          try await ShortWayTests.answers(to: requests, of: feed.sibling(way, currency: currency))
            == short)
      }
      #expect(
        short[0].hasPrefix("HTTP/1.1 200 ")
          && short[1].hasPrefix(isBehind ? "HTTP/1.1 503 " : "HTTP/1.1 204 "))
      #expect(short[0].contains("\"missing\":") == !isBehind)
      for answer in short { #expect(answer.contains("\r\nStrandline-Missing: 4\r\n") == !isBehind) }
    }
  }
}
