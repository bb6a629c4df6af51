import ActionEmitter
import AuditActions
import Foundation
import Kafka
import Testing

@Suite("Emitting against a broker")
struct ActionEmitterTests {
  let broker: EmbeddedBroker
  let queue: QueueAddress

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
  }

  private func makeEmitter(
    partitions: Int32 = 1, _ change: (inout ActionEmitterConfiguration) -> Void = { _ in }
  ) throws -> ActionEmitter {
    try broker.createTopic("audit.actions", partitions: partitions)
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  private func read(_ count: Int, partitions: Int32 = 1) async throws -> [ReadRecord] {
    try await readTopic("audit.actions", partitions: partitions, count: count, from: broker.configuration)
  }

  @Test("An acknowledged action is in the topic, with the contract's key, value and headers")
  func emitsTheContract() async throws {
    let emitter = try makeEmitter { configuration in
      configuration.source = "/workers/7"
      configuration.clientID = "3381af92"
      configuration.userAgent = "worker/1.0"
      configuration.version = "2.1"
    }
    let action = Action(
      type: .messageDeleted, details: ["message_id": "50b6"],
      user: Actor(username: "alice", authenticationProvider: "keystone"), message: "done",
      topic: try TopicPath("queue.message"), time: try ActionTime(rfc3339: "2026-11-21T04:44:00.123456789Z"),
      timeToLive: try TimeToLive(seconds: 60))
    let position = try await emitter.emitAcknowledged(action, to: queue)
    #expect(position.partition == 0)
    #expect(position.offset == 0)
    let record = try #require(try await read(1).first)
    #expect(record.key == "p/q")
    #expect(
      String(decoding: record.value, as: UTF8.self)
        == #"{"event":"MessageDeleted","details":{"message_id":"50b6","client_id":"3381af92","user_agent":"worker/1.0"},"#
        + #""user":{"username":"alice","authenticationProvider":"keystone"},"message":"done","version":"2.1","#
        + #""topic":"queue.message","time":"2026-11-21T04:44:00.123456789Z"}"#)
    let id = try #require(record.headers["ce_id"])
    #expect(id.contains(/^[0-9a-f]{16}-1$/))
    #expect(
      record.headers == [
        "ce_specversion": "1.0", "ce_id": id, "ce_source": "/workers/7", "ce_type": "MessageDeleted",
        "ce_time": "2026-11-21T04:44:00.123456789Z", "content-type": "application/json", "ttl": "60",
      ])
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("The five actions of a queue service carry the details Zaqar's feed was to have")
  func emitsTheFiveKinds() async throws {
    let emitter = try makeEmitter { $0.clientID = "c" }
    let actions: [Action] = [
      .messageDeleted(messageID: "m1", claimID: "k"),
      .messagesClaimed(claimID: "k", messageIDs: ["m1", "m2"], ttlSeconds: 300, graceSeconds: 60),
      .claimUpdated(claimID: "k", ttlSeconds: 600),
      .claimReleased(claimID: "k", messageIDs: ["m2"], clientID: "own"),
      .claimExpired(claimID: "k", ttlSeconds: 600),
    ]
    let outcomes = await emitter.emitAcknowledged(actions, to: queue)
    #expect(try outcomes.map { try $0.get().offset } == [0, 1, 2, 3, 4])
    let texts = try await read(5).map { String(decoding: $0.value, as: UTF8.self) }
    let expected = [
      #"{"event":"MessageDeleted","details":{"message_id":"m1","claim_id":"k","client_id":"c"},"#,
      #"{"event":"MessagesClaimed","details":{"claim_id":"k","message_ids":["m1","m2"],"ttl":300,"grace":60,"client_id":"c"},"#,
      #"{"event":"ClaimUpdated","details":{"claim_id":"k","ttl":600,"client_id":"c"},"#,
      #"{"event":"ClaimReleased","details":{"claim_id":"k","message_ids":["m2"],"client_id":"own"},"#,
      #"{"event":"ClaimExpired","details":{"claim_id":"k","ttl":600,"client_id":"c"},"#,
    ]
    try #require(texts.count == 5)
    for (text, start) in zip(texts, expected) { #expect(text.hasPrefix(start)) }
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("A raw body reaches the topic byte for byte, with its event in ce_type")
  func emitsRawBodies() async throws {
    let emitter = try makeEmitter()
    let body = Array(#" { "details" : {"x": 1.0e0 , "y":"\u0041"}, "event":"Cr\u00e9ated" } "#.utf8)
    let raw = RawAction(body: body, timeToLive: try TimeToLive(seconds: 5))
    try await emitter.emitAcknowledged(raw: raw, to: queue)
    let record = try #require(try await read(1).first)
    #expect(record.value == body)
    #expect(record.headers["ce_type"] == "Créated")
    #expect(record.headers["ttl"] == "5")
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("In a batch, each action has its own outcome, and bad ones do not stop the others")
  func reportsPerAction() async throws {
    let emitter = try makeEmitter()
    let bodies = [#"{"event":"a"}"#, "[]", #"{"event":"b"}"#, #"{"event":""}"#].map { RawAction(body: Array($0.utf8)) }
    let outcomes = await emitter.emitAcknowledged(raw: bodies, to: queue)
    try #require(outcomes.count == 4)
    #expect(try outcomes[0].get().offset == 0)
    #expect(try outcomes[2].get().offset == 1)
    for (index, code) in [(1, AuditActionError.Code.notAnObject), (3, .invalidEvent)] {
      guard case .failure(let error) = outcomes[index] else {
        Issue.record("accepted \(index)")
        continue
      }
      #expect(error.reason == .invalidAction)
      #expect(error.invalid?.code == code)
    }
    #expect(emitter.counters.refused == [.invalidAction: 2])
    #expect(await emitter.emitAcknowledged(raw: [], to: queue).isEmpty)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("An action that breaks the contract is refused at emit, with the reason")
  func refusesInvalidActions() async throws {
    let emitter = try makeEmitter()
    let long = Action(type: "X", details: ["x": .string(String(repeating: "x", count: 262_144))])
    #expect(emitter.emit(long, to: queue).refusal?.reason == .tooLarge)
    #expect(emitter.emit(Action(type: ""), to: queue).refusal?.invalid?.code == .invalidEvent)
    #expect(emitter.emit(Action(type: "a\nb"), to: queue).refusal?.reason == .invalidAction)
    let deep = (0..<70).reduce(JSONLiteral.null) { inner, _ in .array([inner]) }
    #expect(emitter.emit(Action(type: "X", details: ["d": deep]), to: queue).refusal?.invalid?.code == .tooDeep)
    #expect(emitter.counters.refused == [.tooLarge: 1, .invalidAction: 3])
    #expect(emitter.counters.emitted == 0)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("Details of a user's own type are encoded")
  func encodesOwnTypes() async throws {
    struct Moved: Encodable {
      let to: String
      let by: Int
      let url = "a/b"
    }
    #expect(try JSONText(encoding: Moved(to: "x", by: 3)).description == #"{"by":3,"to":"x","url":"a/b"}"#)
    #expect(throws: AuditActionError.self) { try JSONText(encoding: [1, 2]) }
  }

  @Test("100,000 actions from several tasks arrive once each, equal, and in each task's order")
  func deliversEveryAction() async throws {
    let partitions: Int32 = 8
    let emitter = try makeEmitter(partitions: partitions) { $0.kafka["linger.ms"] = "20" }
    let (tasks, each) = (4, 25_000)
    // The embedded broker keeps about 5 MiB a partition: small details, and queues spread over the partitions.
    await withTaskGroup { group in
      for task in 0..<tasks {
        group.addTask {
          for number in 0..<each {
            guard let queue = try? QueueAddress(project: "p\(task)", queue: "q\(number % 100)") else { return }
            let body = Array(#"{"event":"E","details":{"task":\#(task),"number":\#(number)}}"#.utf8)
            guard await emitter.emitWhenRoom(raw: RawAction(body: body), to: queue).isAccepted else { return }
          }
        }
      }
    }
    let report = await emitter.close(flushTimeout: .seconds(60))
    #expect(report.undelivered == 0)
    #expect(report.counters.emitted == tasks * each)
    #expect(report.counters.delivered == tasks * each)
    #expect(report.counters.outstanding == 0)

    let records = try await read(tasks * each, partitions: partitions)
    #expect(records.count == tasks * each)
    var next: [String: Int] = [:]
    var wrong = 0
    for record in records {
      let number = next[record.key] ?? Int(record.key.split(separator: "q").last ?? "") ?? -1
      next[record.key] = number + 100
      let task = record.key.dropFirst().prefix { $0 != "/" }
      let expected = Array(#"{"event":"E","details":{"task":\#(task),"number":\#(number)}}"#.utf8)
      if record.value != expected { wrong += 1 }
    }
    #expect(wrong == 0)
    #expect(Set(records.map { $0.headers["ce_id"] }).count == tasks * each)
  }

  @Test("An emitter dropped without closing does not trap or hang")
  func survivesBeingDropped() async throws {
    for _ in 0..<5 {
      let emitter = try ActionEmitter(
        configuration: ActionEmitterConfiguration(kafka: broker.configuration), logger: quiet)
      for _ in 0..<100 { emitter.emit(.claimReleased(claimID: "k"), to: queue) }
    }
  }
}
