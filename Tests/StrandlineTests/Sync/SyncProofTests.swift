import ActionProof
import AsyncHTTPClient
import AuditActions
import Foundation
import Kafka
import NIOCore
import NIOHTTP1
import Testing

@testable import strandline

@Suite("sync of signed actions, between nodes that take no others")
struct SyncProofTests {
  /// RFC 8032's first test key.
  private static let secretKey = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    -----END PRIVATE KEY-----

    """
  private static let publicKey = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----

    """
  private static let log = SyncLog(project: "p", source: "/workers/1", log: "1")

  /// Files that nodes and workers read; removed at the end.
  private final class Keys: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sync-keys-\(UUID().uuidString)")

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(SyncProofTests.secretKey.utf8).write(to: folder.appending(path: "worker.pem"))
      let sources = ["/workers/1", "/workers/2", "/strandline/feed"].map { "\($0)\n\(SyncProofTests.publicKey)" }
      try Data(sources.joined().utf8).write(to: folder.appending(path: "source-keys"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Of a node that takes only what is signed.
    var arguments: [String] {
      [
        "--source-keys", folder.appending(path: "source-keys").path, "--require-signatures", "all",
        "--action-signing-key-file", folder.appending(path: "worker.pem").path,
      ]
    }
  }

  /// As a worker of any make might send it: of what is proved and optional, each with some and without others.
  private static func record(
    _ number: Int64, checksum: Bool = true, signed: Bool = true, extra: [KafkaHeader] = []
  ) throws -> ProducerRecord {
    var headers =
      [
        KafkaHeader("ce_source", log.source), KafkaHeader("ce_logid", log.log),
        KafkaHeader("ce_sequence", String(number)),
      ] + extra
    if number % 2 == 0 { headers.append(KafkaHeader("ce_id", number % 4 == 0 ? "" : "id \"é\" \(number)")) }
    if number % 3 == 0 { headers.append(KafkaHeader("ce_time", "2026-11-21t04:44:00.50+02:00")) }
    if number % 5 > 0 { headers.append(KafkaHeader("ttl", "0003600")) }
    let (key, value) = (Array("p/q\(number % 5)".utf8), SyncTestNode.body(number, log))
    if let seal = RecordSeal(checksum: checksum, signer: signed ? SourceSigner(pem: secretKey) : nil) {
      let owned = headers.map { (name: Array($0.key.utf8), value: $0.value) }
      try RecordFields.with(key: key, value: value, headers: owned) { fields in
        try seal.forEachHeader(of: fields) { headers.append(KafkaHeader("\($0)", String(decoding: $1, as: UTF8.self))) }
      }
    }
    return ProducerRecord(topic: "audit.actions", key: key, value: value, headers: headers)
  }

  /// What a node gives of the log: of each action the members that go along.
  private func items(_ node: SyncTestNode) async throws -> [Int64: SyncItem] {
    let page = try await FeedSyncNode(url: node.url).receive(.full, after: 0, of: Self.log)
    return Dictionary(uniqueKeysWithValues: page.items.map { ($0.sequence, $0) })
  }

  private func proof(_ item: SyncItem?) throws -> [String: String]? {
    let item = try #require(item)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(item.json)) as? [String: Any])
    return object["proof"] as? [String: String]
  }

  private func rejected(_ node: SyncTestNode) async throws -> Int {
    let text = try (await FeedClient(url: node.url).text("/counters")).get()
    let counters = try #require(try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
    return try #require(counters["rejected"] as? Int)
  }

  @Test("two nodes and a relay: the union is everywhere, each action as it was signed; a forged one is nowhere")
  func union() async throws {
    let keys = try Keys()
    let nodes = [
      try await SyncTestNode(keys.arguments), try await SyncTestNode(keys.arguments),
      try await SyncTestNode(keys.arguments),
    ]
    for node in nodes { try await eventually("a node is ready") { await node.isReady } }
    let all = Set(Int64(1)...60)
    let parts = [all.filter { $0 % 3 > 0 }, all.filter { $0 % 7 == 0 }, all.filter { $0 % 3 < 2 }]
    for (node, part) in zip(nodes, parts) {
      try await node.send(try part.sorted().map { try Self.record($0, checksum: $0 % 2 > 0) })
      try await eventually("emitted") { try await node.has(part, Self.log) }
    }
    // The relay is the second; it speaks with the others only.
    for (other, known) in [(0, parts[0].union(parts[1])), (2, all), (0, all)] {
      let sync = try await ChildProcess(
        [
          "sync", "--json", "--project", "p", "--from", nodes[1].url, "--upstream", nodes[other].url, "--mode",
          "pushpull",
        ]
      ).end()
      #expect(sync.status == 0, "\(sync)")
      // What was accepted is there a moment later.
      for node in [nodes[1], nodes[other]] {
        try await eventually("sync with \(other)") {
          let state = try await FeedSyncNode(url: node.url).state(of: Self.log)
          return state.map { state in known.allSatisfy(state.received.contains) } ?? false
        }
      }
    }
    for node in nodes {
      let items = try await items(node)
      #expect(Set(items.keys) == all)
      for number in all.sorted() {
        let proof = try #require(try proof(items[number]))
        var expected: [String: String] = [:]
        for header in try Self.record(number, checksum: number % 2 > 0).headers {
          guard let part = ActionSeal.Part.allCases.first(where: { "\($0.header)" == header.key }) else { continue }
          expected[part.member] = header.value.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(proof == expected, "number \(number)")
      }
      #expect(try await rejected(node) == 0)
    }
    try await forge(nodes[2], try #require(try await items(nodes[0])[1]))
    for node in nodes { try await node.stop() }
  }

  /// Sends what is not as its source signed it.
  private func forge(_ node: SyncTestNode, _ item: SyncItem) async throws {
    let text = String(decoding: item.json, as: UTF8.self).replacing("\"sequence\":1,", with: "\"sequence\":1001,")
    let whole = String(decoding: item.json, as: UTF8.self)
    let signature = try #require(try proof(item)?["signature"])
    let checksum = try #require(try proof(item)?["crc32c"])
    let unchecked = text.replacing("\"crc32c\":\"\(checksum)\",", with: "")
    #expect(unchecked != text && text != whole)
    let unproved = String(text[..<(try #require(text.range(of: ",\"proof\":"))).lowerBound]) + "}"
    let feed = FeedSyncNode(url: node.url)
    let second = SyncLog(project: "p", source: "/workers/2", log: "1")
    let stranger = SyncLog(project: "p", source: "/workers/3", log: "1")
    for (json, log, status, detail) in [
      (text, Self.log, 400, "the record does not have the CRC-32C"),
      (unchecked, Self.log, 400, "the signature is not that of this record"),
      (unchecked.replacing("1.50", with: "1.51"), Self.log, 400, "the signature is not"),
      (unchecked.replacing(signature, with: String(signature.dropLast(4))), Self.log, 400, "the signature is not"),
      (unchecked.replacing("1001", with: "1"), second, 400, "the signature is not"),
      (unchecked.replacing("1001", with: "1"), stranger, 403, "no key is known of the source"),
      (unproved, Self.log, 403, "has to sign its records"),
    ] as [(String, SyncLog, Int64, String)] {
      let number: Int64 = log == Self.log ? 1001 : 1
      let answer = try await feed.send([SyncItem(sequence: number, json: Array(json.utf8))], to: log)
      #expect(answer.accepted.isEmpty && answer.present.isEmpty)
      #expect(answer.refused.map(\.status) == [status] && answer.refused.map(\.sequence) == [number])
      #expect(answer.refused.first?.detail.contains(detail) == true, "\(answer.refused)")
    }
    // A line of Apache ACE's protocol has no room for a signature.
    var line = HTTPClientRequest(url: node.url + "/auditlog/send")
    line.method = .POST
    line.headers.add(name: "Content-Type", value: "text/plain")
    line.body = .bytes(Array("/workers/1,1,1001,1378716630000,1\n".utf8))
    let answer = try await FeedClient.http.execute(line, timeout: FeedClient.timeout)
    let content = try await answer.body.collect(upTo: 65_536)
    #expect(answer.status == .badRequest && String(buffer: content).contains("has to sign its records"))
    // What comes through the topic is looked at by ingest: it is a dead letter.
    try await node.send([try Self.record(1001, signed: false)])
    try await eventually("it is a dead letter") { try await rejected(node) == 1 }
    #expect(try await feed.state(of: Self.log)?.received.contains(1001) == false)
    for log in [second, stranger] { #expect(try await feed.state(of: log) == nil) }
  }

  @Test("a checksum that does not hold is refused also where nothing has to be signed; one that holds goes along")
  func checksums() async throws {
    let nodes = [try await SyncTestNode(), try await SyncTestNode()]
    for node in nodes { try await eventually("a node is ready") { await node.isReady } }
    try await nodes[0].send(try (1...3).map { try Self.record($0, signed: $0 == 2) })
    try await eventually("emitted") { try await nodes[0].has([1, 2, 3], Self.log) }
    let given = try await items(nodes[0])
    let changed = try #require(given[3].map { String(decoding: $0.json, as: UTF8.self) }).replacing("1.50", with: "1.5")
    let answer = try await FeedSyncNode(url: nodes[1].url).send(
      [try #require(given[1]), try #require(given[2]), SyncItem(sequence: 3, json: Array(changed.utf8))], to: Self.log)
    #expect(answer.accepted.description == "1-2" && answer.refused.map(\.status) == [400])
    try await eventually("stored") { try await nodes[1].has([1, 2], Self.log) }
    let taken = try await items(nodes[1])
    for number in Int64(1)...2 { #expect(try proof(taken[number]) == proof(given[number])) }
    #expect(try proof(taken[2])?["signature"] != nil, "a node without keys passes it on")
    // What cannot be passed on is stored, and counted.
    let long = KafkaHeader("ce_id", String(repeating: "i", count: ActionSeal.Part.id.bytesMax + 1))
    try await nodes[0].send([try Self.record(5, extra: [long])])
    try await eventually("stored") { try await nodes[0].has([1, 2, 3, 5], Self.log) }
    #expect(try proof(try await items(nodes[0])[5]) == nil)
    let metrics = try (await FeedClient(url: nodes[0].url).text("/metrics")).get()
    #expect(String(decoding: metrics, as: UTF8.self).contains("\nstrandline_actions_unkept_proofs_total 1\n"))
    for node in nodes { try await node.stop() }
  }

  @Test("a worker's spool is taken by a node that requires signatures, as it was signed")
  func spool() async throws {
    let keys = try Keys()
    let node = try await SyncTestNode(keys.arguments)
    let spool = keys.folder.appending(path: "spool").path
    let lines = (1...5).map { #"{"project":"p","queue":"q","body":{"event":"E","n":\#($0)},"ttl":600}"# }
    _ = try await ChildProcess(
      [
        "emit", "--json", "--bootstrap-servers", "127.0.0.1:1", "--spool", spool, "--timeout", "1", "--source",
        Self.log.source, "--action-signing-key-file", keys.folder.appending(path: "worker.pem").path, "--checksum",
      ], input: lines.joined(separator: "\n") + "\n"
    ).end()
    try await eventually("the node is ready") { await node.isReady }
    let sync = try await ChildProcess(["sync", "--json", "--project", "p", "--spool", spool, "--to", node.url]).end()
    #expect(sync.status == 0 && sync.output.contains(#""accepted":"1-5""#), "\(sync)")
    try await eventually("all are stored") {
      guard let log = try await FeedSyncNode(url: node.url).logs(of: "p").first else { return false }
      return try await node.has(Set(1...5), log)
    }
    #expect(try await rejected(node) == 0)
    try await node.stop()
  }
}
