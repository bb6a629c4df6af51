import ActionStore
import AuditActions
import Kafka
import Synchronization
import Testing

@testable import ActionIngest

@Suite("Ingest of queues audited by choice")
struct AuditTests {
  let queue: QueueAddress

  init() throws { queue = try QueueAddress(project: "p", queue: "q") }

  @Test("what is not wanted is counted by reason, not stored, and is no gap; offsets move on")
  func dropping() async throws {
    var fixture = try IngestFixture(partitions: 1)
    var policies = QueuePolicies(default: .declared)
    policies.set(QueueAudit(enabled: true, events: ["A", "B"]), of: queue)
    fixture.configuration.policies = { [policies] in policies }
    for body in [#"{"event":"A"}"#, #"{"event":"C"}"#, #"{"event":"\u0041"}"#, #"{"event":"D"}"#, #"{"event":"B"}"#] {
      _ = try await fixture.send(body)
    }
    for _ in 0..<3 { _ = try await fixture.send(#"{"event":"A"}"#, key: "p/other") }
    // Nobody asked for it: not even its contract is looked at.
    let last = try await fixture.send("nonsense", key: "p/other")
    let store = try fixture.openStore()
    try await fixture.running(store) { ingest in
      try await eventually("everything is read") { store.nextOffset(of: 0) == last.offset + 1 }
      #expect(store.bodies(queue) == [#"{"event":"A"}"#, #"{"event":"\u0041"}"#, #"{"event":"B"}"#])
      #expect(store.page(of: queue, after: nil, limit: 50).gaps.isEmpty)
      try await eventually("counted") { ingest.status.dropped == 6 }
      #expect(ingest.status.rejected == 0)
      let balance = store.balance()
      #expect(balance.dropped == [.notAudited: 4, .eventNotAudited: 2])
      #expect(balance.received == 3 && balance.unbalancedQueues == 0 && balance.queues == 1)
    }
    try store.close()
    let reopened = try fixture.openStore()
    #expect(reopened.balance().dropped == [.notAudited: 4, .eventNotAudited: 2])
    #expect(reopened.nextOffset(of: 0) == last.offset + 1)
    try reopened.close()
    await fixture.end()
  }

  @Test("a queue's own time to live is that of records that name none")
  func timeToLive() async throws {
    var fixture = try IngestFixture(partitions: 1)
    var policies = QueuePolicies(default: .all)
    policies.set(QueueAudit(timeToLive: try TimeToLive(seconds: 777)), of: queue)
    fixture.configuration.policies = { [policies] in policies }
    _ = try await fixture.send(#"{"event":"A"}"#)
    _ = try await fixture.send(#"{"event":"A"}"#, headers: [KafkaHeader("ttl", "60")])
    let last = try await fixture.send(#"{"event":"A"}"#, key: "p/other")
    let store = try fixture.openStore()
    let other = try QueueAddress(project: "p", queue: "other")
    try await fixture.running(store) { _ in
      try await eventually("everything is read") { store.nextOffset(of: 0) == last.offset + 1 }
      #expect(store.page(of: queue, after: nil, limit: 50).actions.map(\.timeToLiveSeconds) == [777, 60])
      #expect(store.page(of: other, after: nil, limit: 50).actions.map(\.timeToLiveSeconds) == [300])
    }
    try store.close()
    await fixture.end()
  }

  @Test("a bound on what a queue keeps is applied before the first batch, and when it changes without a new one")
  func retention() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let box = KnownPolicies()
    @Sendable func keep(_ count: Int) {
      var policies = box.ask() ?? QueuePolicies(default: .all)
      policies.set(QueueAudit(retention: .init(count: count)), of: queue)
      box.set(policies)
    }
    keep(4)
    fixture.configuration.policies = { box.ask() }
    var last = try await fixture.send(#"{"event":"A"}"#)
    for _ in 0..<8 { last = try await fixture.send(#"{"event":"A"}"#) }
    let store = try fixture.openStore()
    let end = last.offset + 1
    try await fixture.running(store) { _ in
      try await eventually("everything is read") { store.nextOffset(of: 0) == end }
      #expect(store.page(of: queue, after: nil, limit: 50).actions.count == 4)
      keep(1)
      try await eventually("applied") { store.page(of: queue, after: nil, limit: 50).actions.count == 1 }
      let statistics = try #require(store.statistics(of: queue))
      #expect(statistics.overRetention == 8 && statistics.isBalanced)
    }
    try store.close()
    await fixture.end()
  }

  @Test("a bound on a queue never seen holds for its first batch")
  func retentionOfNew() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let box = KnownPolicies()
    var policies = QueuePolicies(default: .all)
    box.set(policies)
    fixture.configuration.policies = { box.ask() }
    // Only a batch applies it.
    fixture.configuration.maintenanceMilliseconds = 3_600_000
    let first = try await fixture.send(#"{"event":"A"}"#, key: "p/other")
    let store = try fixture.openStore()
    policies.set(QueueAudit(retention: .init(count: 2)), of: queue)
    let (bounded, sender) = (policies, fixture)
    try await fixture.running(store) { _ in
      try await eventually("the first is read") { store.nextOffset(of: 0) == first.offset + 1 }
      box.set(bounded)
      var last = first
      for _ in 0..<9 { last = try await sender.send(#"{"event":"A"}"#) }
      let end = last.offset + 1
      try await eventually("everything is read") { store.nextOffset(of: 0) == end }
      #expect(store.page(of: queue, after: nil, limit: 50).actions.count == 2)
    }
    try store.close()
    await fixture.end()
  }

  @Test("nothing is read before it is known what is wanted")
  func waiting() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let box = KnownPolicies()
    fixture.configuration.policies = { box.ask() }
    let last = try await fixture.send(#"{"event":"A"}"#)
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in
      try await eventually("asked for often") { box.asked > 20 }
      #expect(store.nextOffset(of: 0) == nil)
      box.set(QueuePolicies(default: .all))
      try await eventually("read") { store.nextOffset(of: 0) == last.offset + 1 }
    }
    try store.close()
    await fixture.end()
  }

  @Test("ingest that still waits for it stops")
  func stopping() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let box = KnownPolicies()
    fixture.configuration.policies = { box.ask() }
    let store = try fixture.openStore()
    try await fixture.running(store) { _ in try await eventually("asked for") { box.asked > 0 } }
    try store.close()
    await fixture.end()
  }

  @Test("a numbered action that is dropped has come, and comes again as a duplicate")
  func numbered() async throws {
    var fixture = try IngestFixture(partitions: 1)
    let box = KnownPolicies()
    box.set(QueuePolicies(default: .declared))
    fixture.configuration.policies = { box.ask() }
    let store = try fixture.openStore()
    func headers(_ number: Int) -> [KafkaHeader] {
      [
        KafkaHeader("ce_source", "/worker"), KafkaHeader(ActionOrigin.logHeader, "log"),
        KafkaHeader(ActionOrigin.sequenceHeader, String(number)),
      ]
    }
    for number in [1, 2, 4, 2] { _ = try await fixture.send(#"{"event":"A"}"#, headers: headers(number)) }
    try await fixture.running(store) { ingest in
      try await eventually("everything is read") { store.nextOffset(of: 0) == 4 }
      let log = store.sourceLogs(of: "p").first?.log
      #expect(log?.duplicates == 1)
      #expect(store.balance().dropped == [.notAudited: 3])
      #expect(store.sourceLogs(of: "p").count == 1)
    }
    try store.close()
    await fixture.end()
  }
}

/// What is known of queues, when a test says so.
private final class KnownPolicies: Sendable {
  private let state = Mutex<(policies: QueuePolicies?, asked: Int)>((nil, 0))

  var asked: Int { state.withLock { $0.asked } }
  func set(_ policies: QueuePolicies) { state.withLock { $0.policies = policies } }

  func ask() -> QueuePolicies? {
    state.withLock { state in
      state.asked += 1
      return state.policies
    }
  }
}
