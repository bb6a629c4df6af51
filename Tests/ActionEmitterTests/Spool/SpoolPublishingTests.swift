import AuditActions
import Kafka
import Logging
import Testing

@testable import ActionEmitter

@Suite("An emitter with a spool")
struct SpoolPublishingTests {
  let broker: EmbeddedBroker
  let queue: QueueAddress
  let folder = SpoolFixture()
  var path: String { folder.path }

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(
    _ logger: Logger = quiet, _ change: (inout ActionEmitterConfiguration) -> Void = { _ in }
  ) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.source = "/worker/1"
    configuration.spool = SpoolConfiguration(directory: path)
    configuration.acknowledgementTimeout = patience
    configuration.kafka["reconnect.backoff.max.ms"] = "200"
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: logger)
  }

  private func action(_ number: Int) -> Action { Action(type: "X", details: ["n": .integer(number)]) }

  private func read(_ count: Int) async throws -> [ReadRecord] {
    try await readTopic("audit.actions", partitions: 1, count: count, from: broker.configuration)
  }

  private func number(_ record: ReadRecord) -> Int? {
    String(decoding: record.value, as: UTF8.self).firstMatch(of: /"n":(\d+)/).flatMap { Int($0.1) }
  }

  @Test("publishes in order, with source, sequence number and log id beside the other headers")
  func headers() async throws {
    let emitter = try makeEmitter()
    let log = try #require(emitter.spool?.logID)
    let position = try await emitter.emitAcknowledged(action(0), to: queue)
    #expect(position.offset == 0)
    for number in 1..<2_000 { #expect(emitter.emit(action(number), to: queue).isAccepted) }
    let records = try await read(2_000)
    #expect(records.map(number) == Array(0..<2_000))
    #expect(records.map { $0.headers["ce_sequence"] } == (1...2_000).map { String($0) })
    #expect(Set(records.map { $0.headers["ce_logid"] }) == [String(log)])
    #expect(Set(records.map { $0.headers["ce_source"] }) == ["/worker/1"])
    #expect(records[0].headers["ce_type"] == "X" && records[0].headers["ce_id"]?.isEmpty == false)
    let report = await emitter.close(flushTimeout: .seconds(20))
    #expect(report.spooled == 0 && report.undelivered == 0)
    #expect(report.counters.emitted == 2_000 && report.counters.delivered == 2_000 && report.counters.outstanding == 0)
  }

  @Test("keeps what Kafka does not take, and the next emitter publishes it before anything new")
  func keeps() async throws {
    try broker.setBroker(1, isUp: false)
    let first = try makeEmitter()
    for number in 0..<300 { #expect(first.emit(action(number), to: queue).isAccepted) }
    #expect(first.counters.outstanding == 300)
    let report = await first.close(flushTimeout: .milliseconds(50))
    #expect(report.spooled == 300 && report.undelivered == 0 && report.counters.failedInAll == 0)
    #expect(first.emit(action(0), to: queue).refusal?.reason == .closed)

    let second = try makeEmitter()
    #expect(second.spool?.beganBecause == nil && second.counters.recovered == 300)
    for number in 300..<400 { second.emit(action(number), to: queue) }
    try broker.setBroker(1, isUp: true)
    let records = try await read(400)
    #expect(records.map(number) == Array(0..<400))
    #expect(records.map { $0.headers["ce_sequence"] } == (1...400).map { String($0) })
    #expect(await eventually { second.counters.outstanding == 0 })
    #expect(second.counters.delivered == 400)
    await second.close(flushTimeout: .seconds(20))
  }

  @Test("ends the wait for Kafka when it closes, may be closed twice, and keeps what was waited for")
  func closing() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter()
    let waiting = Task { [queue, actions = [action(0), action(1)]] in await emitter.emitAcknowledged(actions, to: queue)
    }
    #expect(await eventually { emitter.counters.outstanding == 2 })
    #expect(await emitter.close(flushTimeout: .milliseconds(50)).spooled == 2)
    let outcomes = await waiting.value
    #expect(
      outcomes.allSatisfy { if case .failure(let error) = $0 { error.reason == .notAcknowledged } else { false } })
    #expect(await emitter.close(flushTimeout: .milliseconds(50)).spooled == 2)
    try broker.setBroker(1, isUp: true)
    let next = try makeEmitter()
    #expect(await next.close(flushTimeout: .seconds(60)).spooled == 0)
    #expect(try await read(2).map(number) == [0, 1])
  }

  @Test("goes on where it was when its process ends without a word")
  func abandoned() async throws {
    var emitter: ActionEmitter? = try makeEmitter()
    for number in 0..<100 { emitter?.emit(action(number), to: queue) }
    emitter = nil
    // The lock is free once the thread has let go.
    let deadline = ContinuousClock.now + patience
    while emitter == nil, ContinuousClock.now < deadline {
      emitter = try? makeEmitter()
      if emitter == nil { try await Task.sleep(for: .milliseconds(10)) }
    }
    for number in 100..<200 { emitter?.emit(action(number), to: queue) }
    #expect(await emitter?.close(flushTimeout: .seconds(20)).spooled == 0)
    let end = try await KafkaTail.end(of: "audit.actions", broker.configuration)
    let records = try await read(Int(end))
    // What was on its way may come again, under the number it had.
    var first: [Int] = []
    for record in records {
      let found = try #require(self.number(record))
      #expect(record.headers["ce_sequence"] == String(found + 1))
      if !first.contains(found) { first.append(found) }
    }
    #expect(first == Array(0..<200))
  }

  @Test("refuses when the spool is full, counts it, and lets those in who wait once Kafka has taken some")
  func full() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter {
      $0.spool?.filesMax = 2
      $0.spool?.fileBytes = 524_288
    }
    let large = Action(type: "X", details: ["x": .string(String(repeating: "x", count: 50_000))])
    var accepted = 0
    while emitter.emit(large, to: queue).isAccepted { accepted += 1 }
    #expect(accepted == 20)
    #expect(emitter.emit(large, to: queue).refusal?.reason == .spoolFull)
    #expect(emitter.counters.refused == [.spoolFull: 2])
    let waiting = Task { [queue] in await emitter.emitWhenRoom(large, to: queue) }
    try broker.setBroker(1, isUp: true)
    #expect(await waiting.value.isAccepted)
    #expect(await emitter.close(flushTimeout: .seconds(20)).spooled == 0)
    let records = try await read(21)
    #expect(records.map { $0.headers["ce_sequence"] } == (1...21).map { String($0) })
  }

  @Test("sends again what failed, before what came after it, with the numbers it had")
  func sendsAgain() async throws {
    let (logger, lines) = LogKeeper.logger()
    let emitter = try makeEmitter(logger) {
      $0.kafka["retries"] = "0"
      $0.kafka["enable.idempotence"] = "false"
      $0.kafka["linger.ms"] = "0"
    }
    let notEnoughReplicas: Int32 = 19
    try broker.pushErrors(.produce, Array(repeating: notEnoughReplicas, count: 3))
    for number in 0..<500 { emitter.emit(action(number), to: queue) }
    #expect(await eventually { emitter.counters.delivered == 500 })
    let records = try await read(500)
    for record in records { #expect(record.headers["ce_sequence"] == number(record).map { String($0 + 1) }) }
    #expect(Set(records.compactMap(number)) == Set(0..<500))
    #expect(lines.all.contains { $0.contains("is sent again") })
    #expect(emitter.counters.failedInAll == 0)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("goes on with a new producer after a fatal error, and nothing is lost")
  func fatalError() async throws {
    let emitter = try makeEmitter()
    try await emitter.emitAcknowledged(action(0), to: queue)
    let outOfOrderSequenceNumber: Int32 = 45
    try broker.pushErrors(.produce, [outOfOrderSequenceNumber])
    for number in 1..<50 { emitter.emit(action(number), to: queue) }
    #expect(await eventually { emitter.counters.delivered == 50 })
    #expect(await emitter.close(flushTimeout: .seconds(20)).spooled == 0)
    let records = try await read(50)
    #expect(Set(records.compactMap(number)) == Set(0..<50))
  }

  @Test("passes over what Kafka will never take, and counts it; its number stays missing")
  func hopeless() async throws {
    let emitter = try makeEmitter { configuration in
      configuration.kafka["retries"] = "0"
      configuration.kafka["enable.idempotence"] = "false"
    }
    try broker.pushErrors(.produce, [KafkaError.Code.recordTooLarge])
    await #expect(throws: EmitError.self) { try await emitter.emitAcknowledged(action(0), to: queue) }
    try await emitter.emitAcknowledged(action(1), to: queue)
    #expect(emitter.counters.failed == ["MSG_SIZE_TOO_LARGE": 1])
    #expect(await emitter.close(flushTimeout: .seconds(20)).spooled == 0)
    #expect(try await read(1).map { $0.headers["ce_sequence"] } == ["2"])
  }

  @Test("whose folder cannot be used is refused, with the reason and what to do")
  func unusable() throws {
    let error = #expect(throws: EmitError.self) {
      try makeEmitter { $0.spool = SpoolConfiguration(directory: "/proc/version/spool") }
    }
    #expect(error?.reason == .spool && error?.systemError != nil && error?.hint != nil)
    for change: (inout SpoolConfiguration) -> Void in [
      { $0.filesMax = 1 }, { $0.filesMax = .max }, { $0.fileBytes = 1_000 }, { $0.fileBytes = .max },
      { $0.syncInterval = .zero }, { $0.directory = "" },
    ] {
      var configuration = SpoolConfiguration(directory: path)
      change(&configuration)
      let error = #expect(throws: EmitError.self) { try makeEmitter { $0.spool = configuration } }
      #expect(error?.reason == .invalidConfiguration)
    }
  }
}

enum KafkaTail {
  /// The offset after the last record of partition 0.
  static func end(of topic: String, _ configuration: KafkaConfiguration) async throws -> Int64 {
    let consumer = try KafkaConsumer(configuration: configuration)
    let end = try await runOnOwnThread(name: "test-end") { () throws(KafkaError) in
      try consumer.watermarks(of: TopicPartition(topic: topic, partition: 0), timeout: .seconds(30)).high
    }
    await consumer.close()
    return end
  }
}
