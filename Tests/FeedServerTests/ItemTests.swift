import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import FeedServer

@Suite struct ItemTests {
  static let page = "/v1/p/queues/q/actions"

  @Test func `an action is found by its href, byte for byte`() async throws {
    let feed = try Feed()
    let bodies = try feed.append(3)
    feed.clock.advance(seconds: 5)
    try await feed.test(.live) { client async throws in
      let messages = try await client.get(Self.page).messages
      for (message, body) in zip(messages, bodies) {
        let href = try #require(message["href"] as? String)
        let answer = try await client.get(href)
        #expect(answer.text == #"{"href":"\#(href)","ttl":300,"age":5,"body":\#(body)}"#)
        #expect(answer.field("Content-Location") == href)
        let head = try await client.send(.head, href)
        #expect(head.status == .ok)
        #expect(head.body.readableBytes == 0)
        #expect(head.field("Content-Length") == String(answer.body.readableBytes))
        let id = href.split(separator: "/").last ?? ""
        let alias = try await client.get("/v1/queues/q/actions/\(id)", ["X-Project-ID": "p"])
        #expect(alias.text == answer.text)
      }
    }
  }

  @Test func `several actions are found by ids, in the order asked for and each once`() async throws {
    let feed = try Feed()
    try feed.append(50)
    try await feed.test { client async throws in
      let ids = try await client.get("\(Self.page)?limit=50").messages
        .compactMap { ($0["href"] as? String)?.split(separator: "/").last }.map(String.init)
      #expect(ids.count == 50)
      let all = try await client.get("\(Self.page)?ids=\(ids.joined(separator: ","))")
      #expect(try all.messages.count == 50)
      #expect(try all.object["links"] as? [String] == [])
      let some = try await client.get("\(Self.page)?ids=\(ids[7]),\(ids[3])&ids=\(ids[7])")
      #expect(try some.messages.compactMap { $0["href"] as? String } == [7, 3].map { "\(Self.page)/\(ids[$0])" })
      #expect(try await client.send(.head, "\(Self.page)?ids=\(ids[7])").status == .ok)
      #expect(try await client.get("\(Self.page)?ids=\(ids.joined(separator: "%2C"))").status == .ok)
    }
  }

  @Test func `ids and markers tell nothing of each other`() async throws {
    let feed = try Feed()
    try feed.append()
    try await feed.test { client async throws in
      let answer = try await client.get(Self.page)
      let id = try #require((answer.messages.first?["href"] as? String)?.split(separator: "/").last)
      #expect(try await client.get("\(Self.page)?marker=\(id)").status == .badRequest)
    }
  }
}
