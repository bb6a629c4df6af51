import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import FeedServer

/// Pages of queues nobody asked to be audited.
@Suite struct NotAuditedTests {
  static let page = "/v1/p/queues/q/actions"

  @Test func `a page without audit and actions is a 404 that says how to switch it on, whichever way it goes`()
    async throws
  {
    let audited = try await AuditedFeed()
    try audited.feed.append(2, queue: "p/kept")
    let quiet = "/v1/p/queues/quiet"
    try await audited.feed.test { client async throws in
      _ = try await client.put(quiet, #"{"audit":{"enabled":true,"events":["A"]}}"#)
    }
    let requests = [
      DirectAnswerTests.request(Self.page), DirectAnswerTests.request(Self.page + "?event=A"),
      DirectAnswerTests.request("\(quiet)/actions"), DirectAnswerTests.request("\(quiet)/actions?event=B"),
      DirectAnswerTests.request("\(quiet)/actions?event=A&event=B&event=C&event=B"),
      DirectAnswerTests.request("\(quiet)/actions?event=A"),
      DirectAnswerTests.request("/v1/p/queues/kept/actions"), DirectAnswerTests.request(Self.page, method: "HEAD"),
    ]
    var all: [[RawAnswer]] = []
    for way in [PageWay.short, .door, .router] {
      all.append(try await DirectAnswerTests.answers(to: requests, of: audited.feed.sibling(way)))
    }
    for (index, request) in requests.enumerated() {
      #expect(all[0][index] == all[1][index], "\(request)")
      #expect(all[0][index] == all[2][index], "\(request)")
    }
    #expect(all[0].map(\.code) == [404, 404, 204, 404, 404, 204, 200, 404])
    let problem = all[0][0].body
    #expect(problem.contains("urn:problem-type:strandline:not-audited"))
    #expect(problem.contains(#"PUT /v1/p/queues/q and {\"audit\":{\"enabled\":true}}"#))
    // Of a filter the types that are not kept are named, and no others.
    #expect(all[0][3].body.contains(#""detail":"the queue's audit.events does not name 'B': no"#))
    #expect(all[0][4].body.contains("does not name 'B', 'C': no action of them is kept; leave them out to"))
    #expect(all[0][4].body.contains(#""parameter":"event""#))
    await audited.end()
  }

  @Test func `a filter of kept and other types gives the pages there are, and never says that nothing happened`()
    async throws
  {
    try await AuditedFeed.test { audited, client async throws in
      _ = try await client.put("/v1/p/queues/q", #"{"audit":{"enabled":true,"events":["A"]}}"#)
      try audited.feed.append(1, event: "A")
      let first = try await client.get(Self.page + "?event=A&event=B")
      #expect(first.status == .ok)
      #expect(try first.messages.count == 1)
      #expect(try await client.get(try first.next).status == .notFound)
      _ = try await client.patch("/v1/p/queues/q", #"{"audit":{"events":["A","B"]}}"#)
      #expect(try await client.get(try first.next).status == .noContent)
    }
  }

  @Test func `behind a marker the last actions are read, then the queue is said not to be audited`() async throws {
    try await AuditedFeed.test { audited, client async throws in
      _ = try await client.put("/v1/p/queues/q", #"{"audit":{"enabled":true}}"#)
      try audited.feed.append(3)
      let first = try await client.get(Self.page + "?limit=2")
      _ = try await client.patch("/v1/p/queues/q", #"{"audit":{"enabled":false}}"#)
      let second = try await client.get(try first.next)
      #expect(try second.messages.count == 1)
      #expect(try await client.get(try second.next).status == .notFound)
      _ = try await client.patch("/v1/p/queues/q", #"{"audit":{"enabled":true}}"#)
      #expect(try await client.get(try second.next).status == .noContent)
    }
  }

  @Test func `actions that expired unread are told before anything else`() async throws {
    try await AuditedFeed.test { audited, client async throws in
      try audited.feed.append(2, ttl: 5)
      let first = try await client.get(Self.page + "?limit=1")
      audited.feed.clock.advance(seconds: 10)
      let second = try await client.get(try first.next)
      #expect(second.status == .ok)
      #expect(second.field("Strandline-Lost") == "1")
      #expect(try await client.get(try second.next).status == .notFound)
    }
  }

  @Test func `a node that is behind cannot say that either`() async throws {
    let behind = FeedCurrency(completeThroughMilliseconds: nil, behind: .init(detail: "x", retryAfterSeconds: 1))
    try await AuditedFeed.test(currency: { behind }) { _, client async throws in
      #expect(try await client.get(Self.page).status == .serviceUnavailable)
    }
  }

  @Test func `with all as the default a quiet queue is quiet`() async throws {
    try await AuditedFeed.test(default: .all) { _, client async throws in
      #expect(try await client.get(Self.page).status == .noContent)
      _ = try await client.put("/v1/p/queues/q", #"{"audit":{"enabled":false}}"#)
      #expect(try await client.get(Self.page).status == .notFound)
    }
  }

  @Test func `what would be dropped is refused when it is posted, and nothing of it is sent`() async throws {
    let sent = Mutex<[String]>([])
    let publisher = ActionPublisher { actions, _ in
      sent.withLock { $0 += actions.map { String(decoding: $0.body, as: UTF8.self) } }
      return actions.map { _ in .success(ActionPosition(partition: 0, offset: 0)) }
    }
    try await AuditedFeed.test(publisher: publisher) { _, client async throws in
      let refused = try await client.post(Self.page, #"{"body":{"event":"A"}}"#)
      #expect(refused.status == .conflict)
      #expect(try refused.object["type"] as? String == "urn:problem-type:strandline:not-audited")
      _ = try await client.put("/v1/p/queues/q", #"{"audit":{"enabled":true,"events":["A"]}}"#)
      let mixed = try await client.post(
        Self.page, #"[{"body":{"event":"A"}},{"body":{"event":"B"}},{"body":{"event":"\u0041"}}]"#)
      #expect(mixed.status == .conflict)
      let errors = try mixed.object["errors"] as? [[String: Any]]
      #expect(errors?.map { $0["index"] as? Int } == [1])
      #expect(sent.withLock { $0 } == [])
      #expect(try await client.post(Self.page, #"{"body":{"event":"\u0041"}}"#).status == .created)
    }
    #expect(sent.withLock { $0.count } == 1)
  }

  @Test func `before metadata is read nothing is taken`() async throws {
    try await AuditedFeed.test(publisher: ActionPublisher { _, _ in [] }, isRead: false) { _, client async throws in
      #expect(try await client.post(Self.page, #"{"body":{"event":"A"}}"#).status == .serviceUnavailable)
    }
  }
}
