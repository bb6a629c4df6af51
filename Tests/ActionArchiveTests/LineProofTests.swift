import ActionProof
import Kafka
import ObjectStores
import Synchronization
import Testing

@testable import ActionArchive

@Suite("Verifying what sources proved")
struct LineProofTests {
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

  private func send(
    _ body: String, to fixture: ArchiveFixture, as sent: String? = nil, source: String = "/w", checksum: Bool = true,
    signed: Bool = true
  ) async throws {
    var headers = [
      KafkaHeader("ce_id", "not this"), KafkaHeader("ce_source", source), KafkaHeader("ce_id", "a\u{1F30A}\\\"\n"),
      KafkaHeader(key: "ce_time", value: nil), KafkaHeader(key: "ttl", value: Array("60".utf8)),
      KafkaHeader(key: "ce_sequence", value: [0xFF, 0x00]), KafkaHeader("ce_logid", ""),
    ]
    let signer = signed ? SourceSigner(pem: Self.secretKey) : nil
    let seal = try #require(RecordSeal(checksum: checksum, signer: signer))
    let owned = headers.map { (name: Array($0.key.utf8), value: $0.value) }
    try RecordFields.with(key: Array("p/q".utf8), value: Array(body.utf8), headers: owned) { fields in
      try seal.forEachHeader(of: fields) { headers.append(KafkaHeader("\($0)", String(decoding: $1, as: UTF8.self))) }
    }
    try await fixture.send(sent ?? body, headers: headers)
  }

  private func verify(_ store: MemoryStore, keys: Bool = true) async throws -> (VerificationReport, [ArchiveFinding]) {
    let findings = Mutex<[ArchiveFinding]>([])
    let proof = RecordProof(keys: keys ? try SourceKeys(text: Self.keys) : SourceKeys())
    var verification = ArchiveVerification(
      store: store, keys: [], proof: proof, onFinding: { finding in findings.withLock { $0.append(finding) } })
    return (try await verification.run(), findings.withLock { $0 })
  }

  @Test("every byte that was proved is in the lines: what came whole is found whole, however it is written there")
  func whole() async throws {
    let fixture = try ArchiveFixture()
    for body in [
      #"{"event":"X"}"#, "\n{\n\"event\" :\t\"Y\"}\r\n", #"{"event":"\u00e9é","details":{"a":"\"\\"}}"#,
    ] {
      try await send(body, to: fixture)
      try await send(body, to: fixture, signed: false)
      try await send(body, to: fixture, source: "/other")
    }
    try await fixture.send(#"{"event":"Plain"}"#)
    try await fixture.drain()
    let (report, findings) = try await verify(fixture.store)
    #expect(findings == [])
    #expect(report.provedActions == 9 && report.uncheckedSourceSignatures == 3 && report.actions == 10)
    let (keyless, _) = try await verify(fixture.store, keys: false)
    #expect(keyless.isClean && keyless.uncheckedSourceSignatures == 6)
    await fixture.end()
  }

  @Test("an action that is not as its source proved it is a finding with its place, once for each kind and object")
  func wrong() async throws {
    let fixture = try ArchiveFixture()
    try await send(#"{"event":"X"}"#, to: fixture)
    try await send(#"{"event":"X"}"#, to: fixture, as: #"{"event":"Z"}"#)
    try await send(#"{"event":"X"}"#, to: fixture, as: #"{"event":"Z"}"#, checksum: false)
    for _ in 0..<12 { try await send(#"{"event":"X"}"#, to: fixture, as: #"{"event":"Z"}"#, signed: false) }
    // One that breaks the contract besides is told by that.
    try await send(#"{"event":"X"}"#, to: fixture, as: "no JSON")
    try await fixture.drain()
    let (report, findings) = try await verify(fixture.store)
    #expect(findings.map(\.kind) == [.wrongChecksum, .wrongSourceSignature])
    #expect(findings.allSatisfy { $0.key == fixture.store.lineKeys[0] })
    #expect(findings[0].detail.hasPrefix("partition 0, offset 1, 3, 4, 5, 6, 7, 8, 9, 10, 11 and others, 13 in all: "))
    #expect(findings[1].detail.hasPrefix("partition 0, offset 2: "))
    #expect(report.provedActions == 15 && report.findings == 2)
    await fixture.end()
  }

  @Test("who rewrites an archive with all its hashes, and has no source's key, is found out")
  func rewritten() async throws {
    let fixture = try ArchiveFixture()
    try await send(#"{"event":"Paid","details":{"n":1}}"#, to: fixture, checksum: false)
    try await fixture.drain()
    let honest = fixture.store
    let (report, _) = try await verify(honest)
    #expect(report.isClean)
    // The same topic as somebody would have liked it, archived as it should be.
    let forged = try ArchiveFixture()
    let line = try #require(try honest.lines(honest.lineKeys[0]).first)
    try await send(
      #"{"event":"Paid","details":{"n":1}}"#, to: forged, as: #"{"event":"Paid","details":{"n":9}}"#, checksum: false)
    try await forged.drain()
    let forgedLine = try #require(try forged.store.lines(forged.store.lineKeys[0]).first)
    #expect(forgedLine == line.replacing(#"{"n":1}"#, with: #"{"n":9}"#))
    let (_, findings) = try await verify(forged.store)
    #expect(findings.map(\.kind) == [.wrongSourceSignature])
    await fixture.end()
    await forged.end()
  }
}
