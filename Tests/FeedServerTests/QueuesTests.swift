import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite struct QueuesTests {
  @Test func `a project's queues are paged by marker`() async throws {
    let feed = try Feed()
    for name in ["b", "a", "c", "d", "e"] { try feed.append(queue: "p/\(name)") }
    try feed.append(queue: "other/z")
    try await feed.test { client async throws in
      var uri = "/v1/p/queues?limit=2"
      var names: [String] = []
      while true {
        let answer = try await client.get(uri)
        guard answer.status == .ok else {
          #expect(answer.status == .noContent)
          break
        }
        let queues = try #require(answer.object["queues"] as? [[String: String]])
        names += queues.compactMap { $0["name"] }
        #expect(queues.first?["href"] == "/v1/p/queues/\(queues[0]["name"] ?? "")/actions")
        uri = try answer.next
        #expect(answer.field("Link") == "<\(uri)>; rel=\"next\"")
      }
      #expect(names == ["a", "b", "c", "d", "e"])
      let alias = try await client.get("/v1/queues", ["X-Project-ID": "other"])
      #expect(try alias.next == "/v1/other/queues?marker=z&limit=10")
      #expect(try await client.get("/v1/nobody/queues").status == .noContent)
    }
  }

  @Test(arguments: ["limit=0", "limit=51", "marker=a%20b", "marker=", "makrer=a"])
  func `a bad parameter of the list is refused`(query: String) async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.get("/v1/p/queues?\(query)").status == .badRequest)
    }
  }

  @Test func `statistics count, and name the oldest and the newest`() async throws {
    let feed = try Feed()
    try feed.append(2, ttl: 10)
    try feed.append(3, ttl: 100)
    feed.clock.advance(seconds: 20)
    try feed.append(1, ttl: 100)
    feed.clock.advance(seconds: 5)
    try await feed.test { client async throws in
      let answer = try await client.get("/v1/p/queues/q/stats")
      let messages = try #require(answer.object["messages"] as? [String: Any])
      #expect(messages["total"] as? Int == 4)
      #expect(messages["received"] as? Int == 6)
      #expect(messages["expired"] as? Int == 2)
      let oldest = try #require(messages["oldest"] as? [String: Any])
      let newest = try #require(messages["newest"] as? [String: Any])
      #expect(oldest["age"] as? Int == 25)
      #expect(newest["age"] as? Int == 5)
      #expect(oldest["created"] as? String == "2023-11-14T22:13:20.000000000Z")
      #expect(try await client.get(try #require(oldest["href"] as? String)).status == .ok)
      #expect(try await client.get(try #require(newest["href"] as? String)).status == .ok)
      #expect(try await client.get("/v1/queues/q/stats", ["X-Project-ID": "p"]).text == answer.text)
      #expect(try await client.get("/v1/p/queues/never/stats").status == .notFound)
      #expect(try await client.get("/v1/p/queues/q/stats?x=1").status == .badRequest)
      feed.clock.advance(seconds: 500)
      let empty = try await client.get("/v1/p/queues/q/stats").text
      let counts =
        #""received":6,"live":0,"expired":6,"expired_served":0,"expired_unread":6,"over_retention":0,"rejected":0,"duplicates":0"#
      #expect(empty == #"{"messages":{"total":0,\#(counts),"balanced":true,"rejected_by_reason":{}}}"#)
    }
  }
}
