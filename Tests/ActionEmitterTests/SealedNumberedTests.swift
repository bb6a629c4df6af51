import ActionProof
import AuditActions
import Kafka
import Testing

@testable import ActionEmitter

@Suite("Sealed actions that an emitter sends on")
struct SealedNumberedTests {
  private let broker: EmbeddedBroker
  private let queue: QueueAddress
  private let folder = SpoolFixture()
  /// RFC 8032's first test key.
  private let key: ActionSigningKey
  private let proof: RecordProof

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    key = try ActionSigningKey(
      pem: """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----
        """)
    proof = RecordProof(
      keys: try SourceKeys(
        text: """
          /worker/1
          -----BEGIN PUBLIC KEY-----
          MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
          -----END PUBLIC KEY-----
          """), required: .all)
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(_ change: (inout ActionEmitterConfiguration) -> Void = { _ in }) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.acknowledgementTimeout = patience
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  private func read(_ count: Int) async throws -> [ReadRecord] {
    try await readTopic("audit.actions", partitions: 1, count: count, from: broker.configuration)
  }

  /// As a node that received it has it.
  private func numbered(_ record: ReadRecord) throws -> NumberedRawAction {
    let origin = try ActionOrigin(
      source: try #require(record.headers["ce_source"]), log: try #require(record.headers["ce_logid"]),
      sequence: try #require(record.headers["ce_sequence"].flatMap { Int64($0) }))
    let seal = try #require(ActionSeal { record.headers["\($0.header)"] })
    return NumberedRawAction(
      action: RawAction(body: record.value), queue: queue, origin: origin,
      time: ActionTime(nanosecondsSince1970: 1_700_000_000_000_000_000), seal: seal)
  }

  @Test("are made again as they were proved, as often as they are sent on; what was changed is known before it is sent")
  func again() async throws {
    let source = try makeEmitter {
      $0.source = "/worker/1"
      $0.spool = SpoolConfiguration(directory: folder.path)
      $0.checksum = true
      $0.signingKey = key
    }
    source.emit(Action(type: "X", details: ["n": .integer(1)], timeToLive: try TimeToLive(seconds: 60)), to: queue)
    source.emit(Action(type: "Y", details: ["n": .integer(2)]), to: queue)
    await source.close(flushTimeout: .seconds(20))
    let first = try await read(2)
    let relay = try makeEmitter()
    for result in await relay.emitAcknowledged(numbered: try first.map(numbered)) { _ = try result.get() }
    let second = Array(try await read(4).suffix(2))
    for result in await relay.emitAcknowledged(numbered: try second.map(numbered)) { _ = try result.get() }
    let third = Array(try await read(6).suffix(2))
    await relay.close(flushTimeout: .seconds(20))
    for records in [second, third] {
      #expect(records.map(\.headers) == first.map(\.headers) && records.map(\.value) == first.map(\.value))
    }
    for record in third { #expect(try numbered(record).fault(under: proof) == nil) }
    // The time that goes along is not proved; one before that of its source does not make it expire.
    for record in first {
      let proved = try ActionTime(rfc3339: try #require(record.headers["ce_time"]))
      #expect(try EmitRecord(numbered(record)).timestampMilliseconds == proved.millisecondsSince1970)
    }

    let whole = try numbered(first[0])
    func changed(
      body: String? = nil, queue name: String = "q", source: String = "/worker/1", sequence: Int64 = 1,
      _ seal: (ActionSeal.Part) -> String?
    ) throws -> NumberedRawAction {
      NumberedRawAction(
        action: RawAction(body: body.map { Array($0.utf8) } ?? whole.action.body),
        queue: try QueueAddress(project: "p", queue: name),
        origin: try ActionOrigin(source: source, log: whole.origin.log, sequence: sequence), time: whole.time,
        seal: ActionSeal(seal))
    }
    let texts = try #require(whole.seal)
    for required in [RequiredSignatures.known, .all] {
      let proof = RecordProof(keys: proof.keys, required: required)
      func fault(_ action: NumberedRawAction) -> AuditActionError.Code? { action.fault(under: proof)?.code }
      #expect(fault(try changed { texts[$0] }) == nil)
      #expect(fault(try changed(body: #"{"event":"X"}"#) { texts[$0] }) == .checksumMismatch)
      #expect(fault(try changed(queue: "r") { texts[$0] }) == .checksumMismatch)
      #expect(fault(try changed(source: "/worker/2") { texts[$0] }) == .checksumMismatch)
      #expect(fault(try changed(sequence: 2) { texts[$0] }) == .checksumMismatch)
      // Whoever changes it can make the checksum anew, or leave it out.
      func withoutChecksum(_ part: ActionSeal.Part) -> String? { part == .checksum ? nil : texts[part] }
      #expect(fault(try changed(withoutChecksum)) == nil)
      #expect(fault(try changed(body: #"{"event":"X"}"#, withoutChecksum)) == .signatureInvalid)
      #expect(fault(try changed(sequence: 2, withoutChecksum)) == .signatureInvalid)
      for part in [ActionSeal.Part.id, .time, .timeToLive] {
        #expect(fault(try changed { $0 == part ? nil : withoutChecksum($0) }) == .signatureInvalid)
        #expect(fault(try changed { $0 == part ? "1" : withoutChecksum($0) }) == .signatureInvalid)
      }
      #expect(
        fault(try changed { $0 == .signature ? texts[$0].map { String($0.dropLast()) } : withoutChecksum($0) })
          == .signatureInvalid)
      #expect(fault(try changed { $0 == .signature ? nil : texts[$0] }) == .sourceNotAuthenticated)
      #expect(fault(try changed { _ in nil }) == .sourceNotAuthenticated)
      #expect(
        fault(try changed(source: "/worker/2", withoutChecksum))
          == (required == .all ? .sourceNotAuthenticated : nil), "of that one no key is known")
    }
    let keyless = RecordProof()
    #expect(try changed(sequence: 2) { texts[$0] }.fault(under: keyless)?.code == .checksumMismatch)
    #expect(try changed { _ in nil }.fault(under: keyless) == nil)
  }

  @Test("are read from a spool with what proves them")
  func spooled() async throws {
    try broker.setBroker(1, isUp: false)
    let source = try makeEmitter {
      $0.source = "/worker/1"
      $0.spool = SpoolConfiguration(directory: folder.path)
      $0.signingKey = key
    }
    source.emit(Action(type: "X", timeToLive: try TimeToLive(seconds: 60)), to: queue)
    await source.close(flushTimeout: .milliseconds(50))
    let item = try #require(try SpooledActions.read(directory: folder.path).first)
    let action = NumberedRawAction(
      action: RawAction(body: item.body), queue: item.queue, origin: item.origin, time: .now, seal: item.seal)
    #expect(item.seal?[.timeToLive] == "60" && item.seal?[.checksum] == nil)
    #expect(action.fault(under: proof) == nil)
  }
}
