import ActionStore
import AuditActions
import Foundation
import Kafka
import Logging
import Synchronization
import Testing

@testable import ActionIngest

/// A broker, a store and ingest between them, in a fresh directory.
struct IngestFixture {
  let broker: EmbeddedBroker
  let producer: KafkaProducer
  let directory: String
  var storeConfiguration: StoreConfiguration
  var configuration: IngestConfiguration
  let logger: Logger

  init(partitions: Int32 = 2) throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    self.logger = logger
    broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic("audit.actions", partitions: partitions)
    try broker.createTopic("audit.actions.dlq", partitions: 1)
    producer = try KafkaProducer(configuration: broker.configuration, logger: logger)
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
    storeConfiguration = StoreConfiguration(directory: directory, topic: "audit.actions")
    configuration = IngestConfiguration(kafka: broker.configuration, topic: "audit.actions")
    configuration.maintenanceMilliseconds = 50
    configuration.partitionRefreshMilliseconds = 100
    configuration.retryMilliseconds = 50
  }

  func openStore() throws -> ActionStore { try ActionStore(configuration: storeConfiguration, logger: logger) }

  /// Runs ingest into `store` while `body` runs.
  func running<R: Sendable>(
    _ store: ActionStore, _ body: @Sendable (ActionIngest) async throws -> R
  ) async throws -> R {
    let ingest = ActionIngest(configuration: configuration, store: store, logger: logger)
    let task = Task { try await ingest.run() }
    do {
      let result = try await body(ingest)
      task.cancel()
      try await task.value
      return result
    } catch {
      task.cancel()
      try? await task.value
      throw error
    }
  }

  func send(
    _ body: String?, key: String? = "p/q", partition: Int32? = nil, headers: [KafkaHeader] = []
  ) async throws -> RecordPosition {
    try await producer.sendAcknowledged(
      topic: "audit.actions", partition: partition, key: key.map { Array($0.utf8) }, value: body.map { Array($0.utf8) },
      headers: headers)
  }

  func end() async {
    await producer.close(flushTimeout: .seconds(1))
    await broker.close()
    try? FileManager.default.removeItem(atPath: directory)
  }
}

/// The system's clock, with an hour let pass when a test wants it to have passed.
private final class ClockAhead: WallClock {
  private let ahead = Mutex<Int64>(0)

  func advance(seconds: Int64) { ahead.withLock { $0 += seconds * 1_000 } }

  func nowMilliseconds() -> Int64 { SystemClock().nowMilliseconds() + ahead.withLock { $0 } }

  func steadyMilliseconds() -> Int64 { SystemClock().steadyMilliseconds() + ahead.withLock { $0 } }
}

/// Waits until `condition` holds; fails the test after a minute, which no machine is too slow for.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("waited in vain: \(what)")
      return
    }
    try await Task.sleep(for: .milliseconds(5))
  }
}

extension ActionStore {
  func bodies(_ queue: QueueAddress) -> [String] {
    var marker: Marker?
    var bodies: [String] = []
    while true {
      let page = page(of: queue, after: marker, limit: 50)
      if page.actions.isEmpty { return bodies }
      bodies += page.actions.map { String(decoding: $0.body, as: UTF8.self) }
      marker = page.marker
    }
  }
}

@Suite("Ingest")
struct IngestTests {
  let queue: QueueAddress

  init() throws { queue = try QueueAddress(project: "p", queue: "q") }

  @Test("stores what is in the topic and what comes, byte for byte, and goes on where it stopped")
  func flow() async throws {
    let fixture = try IngestFixture()
    var sent: [String] = []
    for index in 0..<20 {
      let body = "{ \"event\":\"Own\",\n \"details\":{\"n\":\(index)} }"
      _ = try await fixture.send(body)
      sent.append(body)
    }
    for round in 0..<3 {
      let store = try fixture.openStore()
      let expected = sent + ["{\"event\":\"Round\",\"details\":{\"n\":\(round)}}"]
      try await fixture.running(store) { _ in
        try await eventually("the first actions") { store.bodies(queue).count == expected.count - 1 }
        _ = try await fixture.send(expected[expected.count - 1])
        try await eventually("one more action") { store.bodies(queue).count == expected.count }
        #expect(store.bodies(queue) == expected)
      }
      sent = expected
      try store.close()
    }
    await fixture.end()
  }

  @Test("reads again what a damaged file held, while it runs")
  func damage() async throws {
    let fixture = try IngestFixture()
    for index in 0..<20 { _ = try await fixture.send("{\"event\":\"Own\",\"details\":{\"n\":\(index)}}") }
    var store = try fixture.openStore()
    try await fixture.running(store) { [store] _ in
      try await eventually("20 actions") { store.bodies(queue).count == 20 }
    }
    try store.close()
    store = try fixture.openStore()
    let expected = store.bodies(queue)
    let folder = fixture.directory + "/segments"
    let file = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".segment") })
    try await fixture.running(store) { [store] _ in
      let handle = try FileHandle(forUpdating: URL(fileURLWithPath: "\(folder)/\(file)"))
      try handle.seek(toOffset: try handle.seekToEnd() - 5)
      try handle.write(contentsOf: [0x7F])
      try handle.close()
      store.verify { _ in true }
      try await eventually("the repair") { !store.isDamaged && store.bodies(queue) == expected }
      _ = try await fixture.send("{\"event\":\"Last\",\"details\":{}}")
      try await eventually("the next action") { store.bodies(queue).count == 21 }
    }
    #expect(store.balance().unbalancedQueues == 0)
    try store.close()
    await fixture.end()
  }

  @Test("takes the TTL from the header, else the default")
  func timeToLive() async throws {
    let fixture = try IngestFixture()
    _ = try await fixture.send("{\"event\":\"A\"}", headers: [KafkaHeader("ttl", "1209600")])
    _ = try await fixture.send("{\"event\":\"B\"}")
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("both actions") { store.page(of: queue, after: nil, limit: 10).actions.count == 2 }
    }
    #expect(store.page(of: queue, after: nil, limit: 10).actions.map(\.timeToLiveSeconds).sorted() == [300, 1_209_600])
    await fixture.end()
  }

  @Test("sends what breaks the contract to the dead-letter topic, unchanged, with the reason, and goes on")
  func deadLetters() async throws {
    let fixture = try IngestFixture(partitions: 1)
    let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
    let bad: [(body: String?, key: String?, headers: [KafkaHeader], reason: String)] = [
      (nil, "p/q", [], "tombstone"), ("{\"event\":\"A\"}", nil, [], "missing_key"),
      ("{\"event\":\"A\"}", "no-slash", [], "invalid_key"), ("not json", "p/q", [], "invalid_json"),
      ("[1]", "p/q", [], "not_an_object"), ("{}", "p/q", [], "missing_event"),
      ("{\"event\":3}", "p/q", [], "invalid_event"),
      ("{\"event\":\"A\",\"details\":\(deep)}", "p/q", [], "too_deep"),
      ("{\"event\":\"A\"}", "p/q", [KafkaHeader("ttl", "0")], "invalid_ttl"),
      ("{\"event\":\"A\"}", "p/q", [KafkaHeader("ttl", "1209601")], "invalid_ttl"),
      ("{\"event\":\"\(String(repeating: "x", count: 262_144))\"}", "p/q", [], "too_large"),
    ]
    for item in bad { _ = try await fixture.send(item.body, key: item.key, headers: item.headers) }
    _ = try await fixture.send("{\"event\":\"Good\"}")
    let store = try fixture.openStore()
    try await fixture.running(store) { ingest in
      try await eventually("the good action") { store.bodies(queue) == ["{\"event\":\"Good\"}"] }
      try await eventually("the counts") { ingest.status.rejected == UInt64(bad.count) }
    }
    let letters = try await read(fixture, topic: "audit.actions.dlq", count: bad.count)
    #expect(letters.map(\.reason) == bad.map(\.reason))
    #expect(letters.map(\.value) == bad.map { $0.body.map { Array($0.utf8) } })
    #expect(letters.map(\.key) == bad.map { $0.key.map { Array($0.utf8) } })
    #expect(letters.map(\.offset) == (0..<bad.count).map { String($0) })
    #expect(store.status().rejected.values.reduce(0, +) == UInt64(bad.count))
    try store.close()
    // Counted once, and not again after a restart.
    let reopened = try fixture.openStore()
    #expect(reopened.status().rejected.values.reduce(0, +) == UInt64(bad.count))
    #expect(reopened.nextOffset(of: 0) == Int64(bad.count) + 1)
    await fixture.end()
  }

  private struct Letter: Sendable {
    var key: [UInt8]?
    var value: [UInt8]?
    var reason: String?
    var offset: String?
  }

  private func read(_ fixture: IngestFixture, topic: String, count: Int) async throws -> [Letter] {
    let consumer = try KafkaConsumer(configuration: fixture.broker.configuration, logger: fixture.logger)
    let letters = try await runOnOwnThread(name: "test") { () throws -> [Letter] in
      var letters: [Letter] = []
      try consumer.assign([TopicPartition(topic: topic, partition: 0): .beginning])
      let deadline = ContinuousClock.now + .seconds(60)
      while letters.count < count, ContinuousClock.now < deadline {
        for record in try consumer.poll(maxRecords: 100, timeout: .milliseconds(100)) {
          func text(_ name: String) -> String? {
            record.header(named: name).map { String(decoding: $0, as: UTF8.self) }
          }
          letters.append(
            Letter(
              key: record.key.map { Array($0) }, value: record.value.map { Array($0) },
              reason: text(DeadLetters.Header.reason), offset: text(DeadLetters.Header.offset)))
        }
      }
      return letters
    }
    await consumer.close()
    return letters
  }

  @Test("waits for room when the store is full, and loses nothing")
  func full() async throws {
    var fixture = try IngestFixture(partitions: 1)
    fixture.storeConfiguration.budgetBytes = 30_000
    fixture.storeConfiguration.segmentBytesMax = 8_000
    fixture.configuration.batchRecordsMax = 10
    let bodies = (0..<100).map {
      "{\"event\":\"Own\",\"details\":{\"n\":\($0),\"pad\":\"\(String(repeating: "x", count: 500))\"}}"
    }
    for body in bodies { _ = try await fixture.send(body, headers: [KafkaHeader("ttl", "3600")]) }
    let clock = ClockAhead()
    let store = try ActionStore(configuration: fixture.storeConfiguration, clock: clock, logger: fixture.logger)
    try await fixture.running(store) { ingest in
      try await eventually("a full store") { ingest.status.pausedReason != nil }
      clock.advance(seconds: 3_601)
      try await eventually("every record read") { store.nextOffset(of: 0) == 100 }
      try await eventually("no pause any more") { ingest.status.pausedReason == nil }
    }
    let statistics = try #require(store.statistics(of: queue))
    #expect(statistics.received == 100)
    await fixture.end()
  }

  @Test("begins when Kafka comes, and goes on after it was away")
  func absent() async throws {
    let fixture = try IngestFixture(partitions: 1)
    try fixture.broker.setBroker(1, isUp: false)
    let store = try fixture.openStore()
    try await fixture.running(store) { ingest in
      try await eventually("the loss") { if case .lost = ingest.status.connection { true } else { false } }
      try fixture.broker.setBroker(1, isUp: true)
      try await eventually("the connection") { ingest.status.connection == .connected }
      _ = try await fixture.send("{\"event\":\"A\"}")
      try await eventually("the first action") { store.bodies(queue).count == 1 }
      try fixture.broker.setBroker(1, isUp: false)
      try await eventually("the second loss") { if case .lost = ingest.status.connection { true } else { false } }
      try fixture.broker.setBroker(1, isUp: true)
      _ = try await fixture.send("{\"event\":\"B\"}")
      try await eventually("the second action") { store.bodies(queue).count == 2 }
    }
    await fixture.end()
  }

  @Test("does not take a topic made anew for the one it read")
  func otherTopic() async throws {
    let first = try IngestFixture(partitions: 1)
    for index in 0..<20 { _ = try await first.send("{\"event\":\"Old\",\"details\":{\"n\":\(index)}}") }
    let store = try first.openStore()
    try await first.running(store) { _ in
      try await eventually("the old actions") { store.nextOffset(of: 0) == 20 }
    }
    try store.close()
    var second = try IngestFixture(partitions: 1)
    second.storeConfiguration = first.storeConfiguration
    for _ in 0..<5 { _ = try await second.send("{\"event\":\"New\"}") }
    let reopened = try second.openStore()
    try await second.running(reopened) { ingest in
      try await eventually("the refusal") { ingest.status.refusedPartitions[0] != nil }
    }
    #expect(reopened.nextOffset(of: 0) == 20)
    #expect(reopened.bodies(queue).count == 20)
    await first.end()
    await second.end()
  }

  @Test("tells a queue's readers of its rejected records")
  func rejected() async throws {
    let fixture = try IngestFixture(partitions: 1)
    _ = try await fixture.send("{\"event\":\"A\"}")
    _ = try await fixture.send("not json")
    _ = try await fixture.send("not json", key: "no-slash")
    _ = try await fixture.send("{\"event\":\"B\"}")
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("both actions") { store.bodies(queue).count == 2 }
    }
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.gaps.map(\.reason) == [.rejected])
    #expect(page.gaps.map(\.count) == [1])
    #expect(store.statistics(of: queue)?.rejectedByReason == ["invalid_json": 1])
    #expect(store.balance().unbalancedQueues == 0)
    await fixture.end()
  }

  @Test("records a hole where Kafka no longer has what was to be read, and goes on behind it")
  func hole() async throws {
    // The embedded broker keeps a bounded number of records a partition: a stopped node is overtaken.
    let fixture = try IngestFixture(partitions: 1)
    _ = try await fixture.send("{\"event\":\"First\"}")
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("the first action") { store.bodies(queue).count == 1 }
    }
    let marker = store.page(of: queue, after: nil, limit: 10).marker
    let pad = String(repeating: "x", count: 200_000)
    for index in 0..<60 {
      _ = try await fixture.send("{\"event\":\"Own\",\"details\":{\"n\":\(index),\"pad\":\"\(pad)\"}}")
    }
    try await fixture.running(store) { _ in
      try await eventually("the last action") { store.nextOffset(of: 0) == 61 }
    }
    let hole = try #require(store.holes.first)
    #expect(store.holes.count == 1)
    #expect(hole.from == 1 && hole.to > 1 && hole.reason == .topicRetention)
    let page = store.page(of: queue, after: marker, limit: 50)
    let gap = try #require(page.gaps.first)
    #expect(page.gaps.count == 1 && gap.reason == .topicRetention && gap.count == nil)
    #expect(gap.from == 1 && gap.to == hole.to - 1)
    #expect(page.actions.count == 61 - Int(hole.to))
    await fixture.end()
  }

  @Test("ends at once when told to, whatever Kafka does", arguments: [true, false])
  func stop(isUp: Bool) async throws {
    let fixture = try IngestFixture(partitions: 1)
    if !isUp { try fixture.broker.setBroker(1, isUp: false) }
    let store = try fixture.openStore()
    let start = ContinuousClock.now
    try await fixture.running(store) { _ in try await Task.sleep(for: .milliseconds(300)) }
    #expect(ContinuousClock.now - start < .seconds(30))
    await fixture.end()
  }
}
