import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite("What proves numbered actions, between nodes")
struct ExchangeProofTests {
  private static let log = "/v1/p/sources/%2Fw/logs/1"
  private let topic = Topic()

  private func feed(
    _ proofFault: @escaping @Sendable (NumberedPost) -> AuditActionError? = { _ in nil }
  ) throws -> Feed {
    let feed = try Feed(
      publisher: topic.publisher(proofFault), aceQueue: try QueueAddress(project: "p", queue: "auditlog"))
    topic.attach(feed.store)
    return feed
  }

  private static func action(_ number: Int64, ttl: String = #""ttl":300,"#, proof: String) -> String {
    #"{"sequence":\#(number),"queue":"q",\#(ttl)"body":{"event":"E"},"proof":\#(proof)}"#
  }

  private static func document(_ items: [String]) -> String { "{\"actions\":[\(items.joined(separator: ","))]}" }

  @Test("what was sent with a proof is published with it and received with it, text by text")
  func roundTrip() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let proofs = [
        #"{"crc32c":"0a1b2c3d"}"#, #"{"signature":"AAAA"}"#,
        #"{"id":"","time":"2026-11-21T04:44:00Z","ttl":"0300","crc32c":"0a1b2c3d","signature":"AAAA"}"#,
        #"{"id":"a\"\\\u0000\u000aé\ud83d\ude00","ttl":"300","crc32c":""}"#,
      ]
      let items = proofs.enumerated().map { Self.action(Int64($0 + 1), proof: $1) }
      let sent = try await client.post("\(Self.log)/actions", Self.document(items))
      #expect(sent.status == .ok, "\(sent.text)")
      let seals = topic.posts.map(\.seal)
      #expect(seals[0] == ActionSeal { $0 == .checksum ? "0a1b2c3d" : nil })
      #expect(seals[2]?[.id] == "" && seals[2]?[.timeToLive] == "0300" && seals[2]?[.signature] == "AAAA")
      #expect(seals[3]?[.id] == "a\"\\\0\né😀" && seals[3]?[.time] == nil && seals[3]?[.checksum] == "")
      #expect(topic.posts.map(\.timeToLive?.seconds) == [nil, nil, 300, 300], "what is not proved is not said")
      let answer = try await client.get("\(Self.log)/actions")
      let received = try #require(answer.object["actions"] as? [[String: Any]])
      let expected = try proofs.map { proof in
        try #require(try JSONSerialization.jsonObject(with: Data(proof.utf8)) as? [String: String])
      }
      #expect(received.compactMap { $0["proof"] as? [String: String] } == expected)
      // What was received can be sent as it is, to another node as to this one.
      let list = try #require(answer.text.range(of: "\"actions\":["))
      let end = try #require(answer.text.range(of: "],\"reached\""))
      let again = try await client.post(
        "\(Self.log)/actions", "{\"actions\":[\(answer.text[list.upperBound..<end.lowerBound])]}")
      #expect(again.text.hasPrefix(#"{"accepted":"","present":"1-4","refused":[]"#))
    }
  }

  @Test("an action that came without one is received without one")
  func without() async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      #expect(try await client.post("\(Self.log)/actions", ExchangeTests.document([1])).status == .ok)
      #expect(!(try await client.get("\(Self.log)/actions").text.contains("proof")))
    }
  }

  @Test(
    "a proof that is none is refused with what it has to be, and the other items are taken",
    arguments: [
      ("7", "proof is an object"), ("null", "proof is an object"), ("[]", "proof is an object"),
      ("{}", "a proof has crc32c, signature, or both"), (#"{"id":"1"}"#, "a proof has crc32c, signature, or both"),
      (#"{"crc32c":7}"#, "proof.crc32c is a text of at most 16 bytes"),
      (#"{"crc32c":null}"#, "proof.crc32c is a text"), (#"{"signature":["a"]}"#, "proof.signature is a text"),
      (#"{"crc32c":"00000000","x":"1"}"#, "a proof has the members"),
      (#"{"crc32c":"00000000","crc32c":"00000000"}"#, "a member stands twice"),
      (#"{"crc32c":"00000000","id":"\#(String(repeating: "a", count: 513))"}"#, "at most 512 bytes"),
      (#"{"signature":"\#(String(repeating: "a", count: 129))"}"#, "at most 128 bytes"),
      (#"{"crc32c":"00000000","ttl":"forever"}"#, "a time to live is a whole number"),
      (#"{"crc32c":"00000000","ttl":""}"#, "a time to live is a whole number"),
      (#"{"crc32c":"00000000","ttl":"301"}"#, "ttl is not what proof.ttl says"),
    ])
  func refused(proof: String, detail: String) async throws {
    let feed = try feed()
    try await feed.test { client async throws in
      let items = [Self.action(1, proof: proof), Self.action(2, proof: #"{"crc32c":"00000000","ttl":"300"}"#)]
      let answer = try await client.post("\(Self.log)/actions", Self.document(items))
      #expect(answer.status.code == 207)
      let object = try answer.object
      #expect(object["accepted"] as? String == "2")
      let refused = try #require(object["refused"] as? [[String: Any]])
      #expect(refused.count == 1 && refused.first?["status"] as? Int == 400)
      #expect((refused.first?["detail"] as? String)?.contains(detail) == true, "\(answer.text)")
    }
  }

  @Test("what ingest would make a dead letter of is refused, by JSON and in ACE's lines, and its number still missing")
  func faults() async throws {
    let feed = try feed { post in
      switch post.origin.sequence {
      case 1: nil
      case 2: AuditActionError(.checksumMismatch, "changed")
      case 3: AuditActionError(.signatureInvalid, "not signed by it")
      default: AuditActionError(.sourceNotAuthenticated, "has to sign")
      }
    }
    try await feed.test { client async throws in
      let items = (1...4).map { Self.action($0, proof: #"{"crc32c":"00000000"}"#) }
      let answer = try await client.post("\(Self.log)/actions", Self.document(items))
      #expect(
        answer.text == #"{"accepted":"1","present":"","refused":[{"index":1,"sequence":2,"status":400,"#
          + #""detail":"changed"},{"index":2,"sequence":3,"status":400,"detail":"not signed by it"},"#
          + #"{"index":3,"sequence":4,"status":403,"detail":"has to sign"}],"missing":""}"#)
      let lines = try await client.post("/auditlog/send", "/w,2,1,0,E\n/w,2,9,0,E\n", type: "text/plain")
      #expect(lines.status == .badRequest && lines.text.contains("has to sign") && lines.text.contains("\"index\":1"))
      #expect(topic.posts.map { "\($0.origin.log)-\($0.origin.sequence)" } == ["1-1", "2-1"])
    }
  }
}
