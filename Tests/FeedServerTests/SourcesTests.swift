import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite struct SourcesTests {
  /// Stores numbered actions, as ingest would.
  private func receive(
    _ numbers: [Int64], source: String = "/workers/7", log: String = "1", project: String = "p", in feed: Feed
  ) throws {
    var intake = feed.store.beginIntake()
    _ = try feed.store.append { batch in
      for number in numbers {
        let origin = try Array(source.utf8).withUnsafeBytes { source in
          try Array(log.utf8).withUnsafeBytes { log in
            try Array(String(number).utf8).withUnsafeBytes { number in
              try ActionOrigin(source: source, log: log, sequence: number)
            }
          }
        }
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        _ = intake.judge(
          origin, project: project, contents: RecordContents(key: empty, value: empty), partition: 0, offset: 0)
      }
      batch.receive(intake)
      batch.advance(partition: 0, to: (feed.store.nextOffset(of: 0) ?? 0) + 1)
    }
  }

  @Test func `a log tells what came, what is missing and since when`() async throws {
    let feed = try Feed()
    try receive([1, 2, 3], in: feed)
    feed.clock.advance(seconds: 10)
    try receive([7, 7, 1 << 40], in: feed)
    try await feed.test { client async throws in
      let answer = try await client.get("/v1/p/sources/%2Fworkers%2F7/logs/1")
      #expect(answer.status == .ok)
      #expect(answer.field("Content-Location") == "/v1/p/sources/%2Fworkers%2F7/logs/1")
      #expect(
        answer.text
          == #"{"source":"/workers/7","log":"1","highest":1099511627776,"received_count":5,"#
          + #""missing_count":1099511627771,"lowest":1,"first_seen":"2023-11-14T22:13:20.000000000Z","#
          + #""last_seen":"2023-11-14T22:13:30.000000000Z","received":"1-3,7,1099511627776","#
          + #""missing":[{"range":"4-6","since":"2023-11-14T22:13:30.000000000Z"},"#
          + #"{"range":"8-1099511627775","since":"2023-11-14T22:13:30.000000000Z"}],"duplicates":1}"#)
    }
  }

  @Test func `the logs of a project are paged by source and log id`() async throws {
    let feed = try Feed()
    for (source, log) in [("urn:b", "2"), ("urn:b", "10"), ("/a%20b?c=../d&e#[f]", "1"), ("urn:c", "x")] {
      try receive([2], source: source, log: log, in: feed)
    }
    try receive([1], project: "other", in: feed)
    try await feed.test { client async throws in
      var uri = "/v1/p/sources?limit=2"
      var found: [String] = []
      while true {
        let answer = try await client.get(uri)
        guard answer.status == .ok else {
          #expect(answer.status == .noContent)
          break
        }
        for item in try #require(answer.object["sources"] as? [[String: Any]]) {
          found.append("\(item["source"] ?? "") \(item["log"] ?? "")")
          #expect(item["missing_count"] as? Int == 1)
          #expect(try await client.get(try #require(item["href"] as? String)).status == .ok)
        }
        uri = try answer.next
      }
      #expect(found == ["/a%20b?c=../d&e#[f] 1", "urn:b 10", "urn:b 2", "urn:c x"])
      #expect(try await client.get("/v1/nobody/sources").status == .noContent)
    }
  }

  @Test func `that there is no source, and no queue, is said only by a node that has read everything`() async throws {
    let behind = FeedCurrency.Behind(detail: "it reads", retryAfterSeconds: 7)
    let feed = try Feed(currency: { FeedCurrency(completeThroughMilliseconds: 1, behind: behind) })
    try feed.append(1)
    try receive([1], in: feed)
    try await feed.test { client async throws in
      for list in ["sources", "queues"] {
        let none = try await client.get("/v1/nobody/\(list)")
        #expect(none.status == .serviceUnavailable && none.field("Retry-After") == "7")
        let some = try await client.get("/v1/p/\(list)")
        #expect(some.status == .ok)
        #expect(try await client.get(try some.next).status == .serviceUnavailable)
      }
    }
  }

  @Test(
    arguments: [
      ("/v1/p/sources/s/logs/a%20b", 400), ("/v1/p/sources/a%20b/logs/1", 400), ("/v1/p/sources//logs/1", 400),
      ("/v1/p/sources/caf%C3%A9/logs/1", 400), ("/v1/p/sources/%2E%2E/logs/1", 400),
      ("/v1/p/sources/s/logs/1", 404), ("/v1/p/sources/s/logs", 404), ("/v1/p/sources/s/other/1", 404),
      ("/v1/a%20b/sources", 400), ("/v1/p/sources?marker=x", 400), ("/v1/p/sources?limit=0", 400),
      ("/v1/p/sources?makrer=a", 400), ("/v1/p/sources/s/logs/1?limit=1", 400), ("/v1/p/sources/%zz/logs/1", 400),
    ])
  func `what is not right is refused, what is not there is not found`(path: String, status: Int) async throws {
    let feed = try Feed()
    try await feed.test { client async throws in
      #expect(try await client.get(path).status.code == status)
      #expect(try await client.send(.post, "/v1/p/sources").status == .methodNotAllowed)
    }
  }

  @Test func `a node that is behind does not say that there is no log`() async throws {
    let feed = try Feed(currency: {
      FeedCurrency(completeThroughMilliseconds: nil, behind: .init(detail: "behind", retryAfterSeconds: 1))
    })
    try await feed.test { client async throws in
      #expect(try await client.get("/v1/p/sources/s/logs/1").status == .serviceUnavailable)
    }
  }
}
