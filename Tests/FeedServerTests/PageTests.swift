import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import FeedServer

@Suite struct PageTests {
  @Test func `an empty queue answers 204 without body and without content length`() async throws {
    let feed = try Feed()
    for setup in [TestingSetup.router, .live] {
      try await feed.test(setup) { client async throws in
        let answer = try await client.get("/v1/p/queues/q/actions?limit=5")
        #expect(answer.status == .noContent)
        #expect(answer.body.readableBytes == 0)
        #expect(answer.field("Content-Length") == nil)
        #expect(answer.field("Transfer-Encoding") == nil)
        #expect(answer.field("Content-Location") == "/v1/p/queues/q/actions?limit=5")
        #expect(answer.field("Cache-Control") == "no-store")
        #expect(answer.field("Link") == nil)
      }
    }
  }

  @Test func `a page has the seed's form and its bodies byte for byte`() async throws {
    let feed = try Feed()
    let body = #"{ "event":"MessageDeleted",  "details":{"n":1.50e0,"text":"\u00e9\/ü"},"z":[ ] }"#
    try feed.append(body: body)
    feed.clock.advance(seconds: 12)
    try await feed.test(.live) { client async throws in
      let answer = try await client.get("/v1/p/queues/q/actions")
      #expect(answer.status == .ok)
      #expect(answer.field("Content-Type") == "application/json")
      #expect(answer.field("Content-Location") == "/v1/p/queues/q/actions")
      let next = try answer.next
      let href = try #require(answer.messages.first?["href"] as? String)
      #expect(
        answer.text == #"{"links":[{"rel":"next","href":"\#(next)"}],"messages":["#
          + #"{"href":"\#(href)","ttl":300,"age":12,"body":\#(body)}]}"#)
      #expect(answer.field("Link") == "<\(next)>; rel=\"next\"")
      #expect(next.hasPrefix("/v1/p/queues/q/actions?marker="))
      #expect(next.hasSuffix("&limit=10"))
      #expect(href.hasPrefix("/v1/p/queues/q/actions/"))
      #expect(!next.dropFirst("/v1/p/queues/q/actions?marker=".count).dropLast("&limit=10".count).contains("="))
    }
  }

  @Test(arguments: [1, 10, 50])
  func `following next reads every action once and in order`(limit: Int) async throws {
    let feed = try Feed()
    let bodies = try feed.append(123)
    try await feed.test { client async throws in
      var uri = "/v1/p/queues/q/actions?limit=\(limit)"
      var read: [String] = []
      while true {
        let answer = try await client.get(uri)
        guard answer.status == .ok else {
          #expect(answer.status == .noContent)
          break
        }
        let messages = try answer.messages
        #expect(messages.count <= limit)
        #expect(messages.allSatisfy { Set($0.keys) == ["href", "ttl", "age", "body"] })
        read += messages.compactMap { (($0["body"] as? [String: Any])?["details"] as? [String: Any])?["n"] as? Int }
          .map(String.init)
        uri = try answer.next
        #expect(uri.hasSuffix("&limit=\(limit)"))
      }
      #expect(read == (0..<bodies.count).map(String.init))
      // The last next, asked again later, gives what came since.
      #expect(try await client.get(uri).status == .noContent)
      let new = try feed.append()
      let later = try await client.get(uri)
      #expect(try later.messages.count == 1)
      #expect(later.text.contains("\"body\":\(new[0])}]"))
      #expect(try await client.get(try later.next).status == .noContent)
    }
  }

  @Test func `expired actions are on no page`() async throws {
    let feed = try Feed()
    try feed.append(2, ttl: 10)
    try feed.append(1, ttl: 100)
    feed.clock.advance(seconds: 10)
    try await feed.test { client async throws in
      let page = try await client.get("/v1/p/queues/q/actions")
      #expect(try page.messages.count == 1)
      #expect(try page.messages.first?["age"] as? Int == 10)
      feed.clock.advance(seconds: 90)
      #expect(try await client.get("/v1/p/queues/q/actions").messages.isEmpty)
      #expect(try await client.get(try page.next).status == .noContent)
    }
  }

  @Test func `the alias reads the project from a header and links to the full form`() async throws {
    let feed = try Feed()
    try feed.append(3)
    try await feed.test(.live) { client async throws in
      let answer = try await client.get("/v1/queues/q/actions?limit=2", ["X-Project-ID": "p"])
      #expect(answer.field("Content-Location") == "/v1/queues/q/actions?limit=2")
      let next = try answer.next
      #expect(next.hasPrefix("/v1/p/queues/q/actions?marker="))
      #expect(try await client.get(next).messages.count == 1)
      #expect(try #require(answer.messages.first?["href"] as? String).hasPrefix("/v1/p/queues/q/actions/"))
      #expect(try await client.get("/v1/queues/q/actions", ["X-Project-ID": "other"]).status == .noContent)
      let missing = try await client.get("/v1/queues/q/actions")
      #expect(missing.status == .badRequest)
      #expect(try missing.object["parameter"] as? String == "X-Project-ID")
      let bad = try await client.get("/v1/queues/q/actions", ["X-Project-ID": "a b"])
      #expect(bad.status == .badRequest)
      #expect(try bad.object["parameter"] as? String == "X-Project-ID")
    }
  }

  @Test func `event filters select and are carried on`() async throws {
    let feed = try Feed()
    for _ in 0..<4 {
      try feed.append(event: "ClaimExpired")
      try feed.append(event: "a & b=c+é")
    }
    try feed.append(event: "Third")
    try await feed.test { client async throws in
      let encoded = "a%20%26%20b%3Dc%2B%C3%A9"
      let first = try await client.get("/v1/p/queues/q/actions?limit=3&event=a+%26+b%3dc%2B%c3%a9")
      #expect(try first.messages.count == 3)
      #expect(first.text.contains("ClaimExpired") == false)
      let next = try first.next
      #expect(next.hasSuffix("&limit=3&event=\(encoded)"))
      let second = try await client.get(next)
      #expect(try second.messages.count == 1)
      #expect(try await client.get(try second.next).status == .noContent)
      let two = try await client.get("/v1/p/queues/q/actions?event=Third&event=ClaimExpired&limit=50")
      #expect(try two.messages.count == 5)
      #expect(try two.next.hasSuffix("&limit=50&event=Third&event=ClaimExpired"))
      let none = try await client.get("/v1/p/queues/q/actions?event=Nothing")
      #expect(none.status == .noContent)
      // What the filter passed over need not be looked at again.
      let link = try #require(none.field("Link"))
      #expect(link.hasPrefix("</v1/p/queues/q/actions?marker=") && link.hasSuffix("&event=Nothing>; rel=\"next\""))
    }
  }

  @Test func `a filter that finds nothing within its work goes on instead of saying nothing is there`() async throws {
    let feed = try Feed(pageScanMax: 10)
    try feed.append(25)
    try feed.append(event: "Rare")
    try await feed.test { client async throws in
      var uri = "/v1/p/queues/q/actions?event=Rare"
      var pages = 0
      while try await client.get(uri).messages.isEmpty, pages < 10 {
        let answer = try await client.get(uri)
        #expect(answer.status == .ok)
        uri = try answer.next
        pages += 1
      }
      #expect(pages > 0)
      #expect(try await client.get(uri).messages.count == 1)
    }
  }

  @Test func `HEAD is GET without the body`() async throws {
    let feed = try Feed()
    try feed.append(2)
    for direct in [true, false] {
      let other = try Feed(answersPagesDirectly: direct)
      try other.append(2)
      try await other.test(.live) { client async throws in
        for uri in ["/v1/p/queues/q/actions", "/v1/p/queues/none/actions", "/v1/p/queues/q/actions?limit=0"] {
          let get = try await client.get(uri, ["X-Request-Id": "same"])
          let head = try await client.send(.head, uri, ["X-Request-Id": "same"])
          #expect(head.status == get.status)
          #expect(head.body.readableBytes == 0)
          #expect(head.field("Content-Length") == get.field("Content-Length"))
          #expect(head.field("Content-Location") == get.field("Content-Location"))
          #expect(head.field("Content-Type") == get.field("Content-Type"))
        }
      }
    }
  }

  @Test func `parameters of Zaqar's clients are let pass, an empty limit is the default`() async throws {
    let feed = try Feed()
    try feed.append(12)
    try await feed.test { client async throws in
      let answer = try await client.get("/v1/p/queues/q/actions/?limit=&echo=true&include_claimed=false")
      #expect(try answer.messages.count == 10)
    }
  }

  @Test func `an empty page is vouched for, or refused`() async throws {
    let current = try Feed(currency: { FeedCurrency(completeThroughMilliseconds: 1_700_000_000_123) })
    try await current.test { client async throws in
      let answer = try await client.get("/v1/p/queues/q/actions")
      #expect(answer.status == .noContent)
      #expect(answer.field("Strandline-Complete-Through") == "2023-11-14T22:13:20.123000000Z")
    }
    let behind = try Feed(currency: {
      FeedCurrency(
        completeThroughMilliseconds: 1_700_000_000_123,
        behind: .init(detail: "3,000 records behind", retryAfterSeconds: 7))
    })
    try await behind.test { client async throws in
      let answer = try await client.get("/v1/p/queues/q/actions")
      #expect(answer.status == .serviceUnavailable)
      #expect(answer.field("Retry-After") == "7")
      #expect(answer.field("Strandline-Complete-Through") == "2023-11-14T22:13:20.123000000Z")
      #expect(try await client.get("/v1/p/queues/q/stats").status == .serviceUnavailable)
      try behind.append()
      let page = try await client.get("/v1/p/queues/q/actions")
      #expect(page.status == .ok)
      #expect(page.field("Strandline-Complete-Through") == "2023-11-14T22:13:20.123000000Z")
    }
  }
}
