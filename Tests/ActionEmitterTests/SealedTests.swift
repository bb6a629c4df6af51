import ActionProof
import AuditActions
import Kafka
import Testing

@testable import ActionEmitter

/// RFC 8032's first test key, in PEM.
private let secretKey = """
  -----BEGIN PRIVATE KEY-----
  MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
  -----END PRIVATE KEY-----
  """
private let publicKey = """
  -----BEGIN PUBLIC KEY-----
  MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
  -----END PUBLIC KEY-----
  """

extension ReadRecord {
  /// What a feed says of it that has this text of keys.
  fileprivate func fault(_ proof: RecordProof) -> AuditActionError? {
    let headers = headers.map { (name: Array($0.key.utf8), value: Optional(Array($0.value.utf8))) }
    return RecordFields.with(key: Array(key.utf8), value: value, headers: headers) { proof.fault(of: $0) }
  }
}

@Suite("An emitter that proves what it emits")
struct SealedTests {
  let broker: EmbeddedBroker
  let queue: QueueAddress
  let folder = SpoolFixture()
  let proof: RecordProof

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    proof = RecordProof(keys: try SourceKeys(text: "/worker/1\n" + publicKey), required: .all)
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(_ change: (inout ActionEmitterConfiguration) -> Void) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.source = "/worker/1"
    configuration.acknowledgementTimeout = patience
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  private func read(_ count: Int) async throws -> [ReadRecord] {
    try await readTopic("audit.actions", partitions: 1, count: count, from: broker.configuration)
  }

  @Test("gives each action a checksum and a signature that hold, and nothing where nothing is asked for")
  func headers() async throws {
    let key = try ActionSigningKey(pem: secretKey)
    for (checksum, signs) in [(false, false), (true, false), (false, true), (true, true)] {
      let emitter = try makeEmitter {
        $0.checksum = checksum
        $0.signingKey = signs ? key : nil
      }
      let timeToLive = try TimeToLive(seconds: 60)
      try await emitter.emitAcknowledged(Action(type: "X", timeToLive: timeToLive), to: queue)
      try await emitter.emitAcknowledged(raw: RawAction(body: Array(#"{ "event": "Y" }"#.utf8)), to: queue)
      await emitter.close(flushTimeout: .seconds(20))
    }
    let records = try await read(8)
    #expect(records.map { $0.headers["ce_crc32c"] != nil } == [false, false, true, true, false, false, true, true])
    #expect(records.map { $0.headers["ce_signature"] != nil } == [false, false, false, false, true, true, true, true])
    #expect(records.prefix(4).allSatisfy { $0.fault(proof)?.code == .sourceNotAuthenticated })
    #expect(records.prefix(4).allSatisfy { $0.fault(RecordProof()) == nil })
    #expect(records.suffix(4).allSatisfy { $0.fault(proof) == nil })
  }

  @Test("with a spool they are of the number, and kept with the action: a later emitter with no key publishes them")
  func spooled() async throws {
    try broker.setBroker(1, isUp: false)
    let first = try makeEmitter {
      $0.spool = SpoolConfiguration(directory: folder.path)
      $0.checksum = true
      $0.signingKey = try? ActionSigningKey(pem: secretKey)
    }
    for number in 0..<50 {
      #expect(first.emit(Action(type: "X", details: ["n": .integer(number)]), to: queue).isAccepted)
    }
    let report = await first.close(flushTimeout: .milliseconds(50))
    #expect(report.spooled == 50)
    let second = try makeEmitter {
      $0.spool = SpoolConfiguration(directory: folder.path)
      $0.kafka["reconnect.backoff.max.ms"] = "200"
    }
    #expect(second.counters.recovered == 50 && second.spool?.beganBecause == nil)
    second.emit(Action(type: "Unsealed"), to: queue)
    try broker.setBroker(1, isUp: true)
    let records = try await read(51)
    await second.close(flushTimeout: .seconds(20))
    #expect(records.map { $0.headers["ce_sequence"] } == (1...51).map { String($0) })
    #expect(records.prefix(50).allSatisfy { $0.fault(proof) == nil })
    #expect(records[50].headers["ce_crc32c"] == nil && records[50].fault(proof)?.code == .sourceNotAuthenticated)
    let renumbered = records.prefix(50).map { record in
      var headers = record.headers
      headers["ce_sequence"] = "77"
      return ReadRecord(
        partition: record.partition, offset: record.offset, key: record.key, value: record.value, headers: headers)
    }
    #expect(renumbered.allSatisfy { $0.fault(proof)?.code == .checksumMismatch })
  }

  @Test("a key that is none is refused without being repeated")
  func wrongKey() {
    let error = #expect(throws: EmitError.self) { try ActionSigningKey(pem: "hunter2") }
    #expect(error?.reason == .invalidConfiguration && error.map { "\($0)".contains("hunter2") } == false)
  }

  @Test("says beforehand what a feed would refuse of it")
  func foreseen() throws {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    #expect(configuration.fault(under: RecordProof()) == nil)
    #expect(configuration.fault(under: proof)?.code == .sourceNotAuthenticated)
    configuration.source = "/worker/1"
    #expect(configuration.fault(under: proof)?.code == .sourceNotAuthenticated)
    configuration.signingKey = try ActionSigningKey(pem: secretKey)
    #expect(configuration.fault(under: proof) == nil)
  }
}
