import ActionProof
import ActionStore
import AuditActions
import Kafka
import Testing

@testable import ActionIngest

@Suite("Ingest of proved actions")
struct ProofTests {
  /// RFC 8032's first test key.
  private static let secretKey = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    -----END PRIVATE KEY-----
    """
  private static let keys = """
    /w
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----
    """

  /// The headers of a numbered record, with those that prove it.
  private func sealed(
    _ body: String, source: String = "/w", sequence: Int, checksum: Bool = true, signed: Bool = true
  ) throws -> [KafkaHeader] {
    var headers = [
      KafkaHeader("ce_source", source), KafkaHeader("ce_logid", "1"), KafkaHeader("ce_sequence", String(sequence)),
    ]
    let signer = signed ? SourceSigner(pem: Self.secretKey) : nil
    guard let seal = RecordSeal(checksum: checksum, signer: signer) else { return headers }
    let owned = headers.map { (name: Array($0.key.utf8), value: $0.value) }
    try RecordFields.with(key: Array("p/q".utf8), value: Array(body.utf8), headers: owned) { fields in
      try seal.forEachHeader(of: fields) { headers.append(KafkaHeader("\($0)", String(decoding: $1, as: UTF8.self))) }
    }
    return headers
  }

  @Test("stores what is proved, sends to the dead letters what is not, and counts none of their numbers")
  func proof() async throws {
    var fixture = try IngestFixture(partitions: 1)
    fixture.configuration.proof = RecordProof(keys: try SourceKeys(text: Self.keys), required: .known)
    let queue = try QueueAddress(project: "p", queue: "q")
    @Sendable func body(_ name: String) -> String { "{\"event\":\"\(name)\"}" }
    let forged = KafkaHeader("ce_signature", String(repeating: "A", count: 86) + "==")
    let items: [(headers: [KafkaHeader], body: String, reason: String?)] = [
      (try sealed(body("A"), sequence: 1), body("A"), nil),
      (try sealed(body("B"), sequence: 2), body("Changed"), "checksum_mismatch"),
      (try sealed(body("B"), sequence: 2, checksum: false), body("Changed"), "signature_invalid"),
      (try sealed(body("B"), sequence: 3) + [KafkaHeader("ce_sequence", "2")], body("B"), "checksum_mismatch"),
      (try sealed(body("B"), sequence: 2, signed: false), body("B"), "source_not_authenticated"),
      (try sealed(body("B"), sequence: 2, signed: false) + [forged], body("B"), "signature_invalid"),
      // Signed by /w, in the name of another: of that one no key is known, and nothing is asked.
      (try sealed(body("C"), source: "/other", sequence: 1), body("C"), nil),
      (try sealed("no JSON", sequence: 4, checksum: false, signed: false), "no JSON", "source_not_authenticated"),
      (try sealed("no JSON", sequence: 4), "no JSON", "invalid_json"),
      ([KafkaHeader("ce_crc32c", "00000000")], body("D"), "checksum_mismatch"),
      ([], body("E"), nil),
      (try sealed(body("A"), sequence: 1), body("A"), "duplicate"),
      (try sealed(body("B"), sequence: 2), body("B"), nil),
    ]
    for item in items { _ = try await fixture.send(item.body, headers: item.headers) }
    let store = try fixture.openStore()
    try await fixture.running(store) { ingest in
      try await eventually("all records") { store.nextOffset(of: 0) == Int64(items.count) }
      #expect(store.bodies(queue) == ["A", "C", "E", "B"].map(body))
      let log = store.sourceLog(SourceLogKey(project: "p", source: "/w", log: "1"))
      #expect(log?.received.description == "1-2,4", "the number of what broke the contract counts, of a forgery not")
      var reasons: [String: UInt64] = [:]
      for case let reason? in items.map(\.reason) where reason != "duplicate" { reasons[reason, default: 0] += 1 }
      #expect(store.status().rejected == reasons)
      #expect(store.balance().unbalancedQueues == 0)
      let page = store.page(of: queue, after: nil, limit: 50)
      #expect(page.gaps.map(\.reason).contains(.rejected))
      #expect(store.statistics(of: queue)?.duplicates == 1)
      _ = ingest
    }
    try store.close()
    await fixture.end()
  }

  @Test("a dead letter says why, and keeps the record and its headers")
  func deadLetter() async throws {
    var fixture = try IngestFixture(partitions: 1)
    fixture.configuration.proof = RecordProof(keys: try SourceKeys(text: Self.keys), required: .all)
    _ = try await fixture.send("{\"event\":\"X\"}", headers: [KafkaHeader("ce_source", "/nobody")])
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("the record") { store.nextOffset(of: 0) == 1 }
    }
    try store.close()
    let consumer = try KafkaConsumer(configuration: fixture.broker.configuration)
    try consumer.assign([TopicPartition(topic: "audit.actions.dlq", partition: 0): .beginning])
    let headers = try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
      let deadline = ContinuousClock.now + .seconds(60)
      while ContinuousClock.now < deadline {
        let records = try consumer.poll(maxRecords: 10, timeout: .milliseconds(200)).records
        if let record = records.first { return record.headers() }
      }
      return []
    }
    await consumer.close()
    #expect(headers.contains(KafkaHeader("ce_source", "/nobody")))
    #expect(headers.contains(KafkaHeader("strandline.dlq.reason", "source_not_authenticated")))
    await fixture.end()
  }
}
