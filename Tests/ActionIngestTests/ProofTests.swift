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
    _ body: String, source: String = "/w", sequence: Int, checksum: Bool = true, signed: Bool = true,
    extra: [KafkaHeader] = []
  ) throws -> [KafkaHeader] {
    var headers =
      [
        KafkaHeader("ce_source", source), KafkaHeader("ce_logid", "1"), KafkaHeader("ce_sequence", String(sequence)),
      ] + extra
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

  @Test("keeps what proves a numbered action, text by text: made again from it, the record is proved")
  func kept() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let proof = RecordProof(keys: try SourceKeys(text: Self.keys), required: .all)
    fixture.configuration.proof = proof
    let long = String(repeating: "i", count: 512)
    let headers: [[KafkaHeader]] = [
      [], [KafkaHeader("ce_id", ""), KafkaHeader("ttl", "0000000600")],
      [KafkaHeader("ce_id", "7 é\u{0}\""), KafkaHeader("ce_time", "once upon a time"), KafkaHeader("ttl", "60")],
      [KafkaHeader("ce_id", "first"), KafkaHeader("ce_id", long)], [KafkaHeader("ce_id", long + "i")],
      [KafkaHeader(key: "ce_id", value: [0xFF, 0xFE])], [KafkaHeader(key: "ce_id", value: nil)],
    ]
    for (index, extra) in headers.enumerated() {
      let body = "{\"event\":\"E\(index)\"}"
      _ = try await fixture.send(
        body, headers: try sealed(body, sequence: index + 1, checksum: index % 2 == 0, extra: extra))
    }
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("all records") { store.nextOffset(of: 0) == Int64(headers.count) }
    }
    #expect(store.status().rejected == [:])
    let page = try store.numberedActions(
      SourceLogKey(project: "p", source: "/w", log: "1"), in: .full, limit: 10)
    #expect(page.actions.map(\.sequence) == Array(1...7))
    #expect(
      page.actions.map { $0.seal == nil } == [false, false, false, false, true, true, false], "too long, no UTF-8")
    #expect(page.actions[1].seal?[.id] == "" && page.actions[1].seal?[.timeToLive] == "0000000600")
    #expect(page.actions[1].seal?[.time] == nil && page.actions[1].seal?[.checksum] == nil)
    #expect(page.actions[3].seal?[.id] == long && page.actions[6].seal?[.id] == nil)
    for action in page.actions {
      guard let seal = action.seal else { continue }
      var headers: [(name: [UInt8], value: [UInt8]?)] = [
        ("ce_source", "/w"), ("ce_logid", "1"), ("ce_sequence", String(action.sequence)),
      ].map { (name: Array($0.utf8), value: Array($1.utf8)) }
      for part in ActionSeal.Part.allCases {
        if let text = seal[part] { headers.append((name: Array("\(part.header)".utf8), value: Array(text.utf8))) }
      }
      let fault = RecordFields.with(
        key: Array(action.queue.key.utf8), value: action.action.body, headers: headers
      ) { proof.fault(of: $0) }
      #expect(fault == nil, "\(action.sequence)")
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
