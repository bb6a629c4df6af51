import Kafka
import ObjectStores
import Synchronization
import Testing

@testable import ActionArchive

@Suite("The archive service", .serialized)
struct ServiceTests {
  /// Runs a service while `body` runs; ends it as SIGTERM does.
  private func running(
    _ fixture: ArchiveFixture, into store: MemoryStore, _ change: (inout ArchiveConfiguration) -> Void = { _ in },
    _ body: @Sendable (ActionArchive) async throws -> Void
  ) async throws {
    var configuration = fixture.configuration
    configuration.once = false
    configuration.limits.recordsMax = 10
    // Nothing is closed by the clock, unless a test says so: its records are of long ago.
    configuration.latenessMilliseconds = 86_400_000 * 4_000
    // The embedded broker lets a new member wait for about that long.
    configuration.kafka.properties["session.timeout.ms"] = "3000"
    configuration.kafka.properties["heartbeat.interval.ms"] = "100"
    configuration.group = ArchiveFixture.group(store)
    change(&configuration)
    let archive = ActionArchive(configuration: configuration, store: store, logger: fixture.logger)
    let task = Task { try await archive.run() }
    do {
      try await body(archive)
      task.cancel()
      try await task.value
    } catch {
      task.cancel()
      _ = try? await task.value
      throw error
    }
  }

  @Test("archives what comes, commits behind it, and a new one goes on where it stood")
  func flow() async throws {
    let fixture = try ArchiveFixture(partitions: 2)
    let store = MemoryStore()
    try await fixture.sendNumbered(0..<25)
    try await running(fixture, into: store) { archive in
      try await eventually("two objects") { archive.status.partitions[0]?.archived == 20 }
      try await fixture.sendNumbered(25..<40)
      try await fixture.sendNumbered(0..<10, partition: 1)
      try await eventually("all objects") {
        archive.status.partitions[0]?.archived == 40 && archive.status.partitions[1]?.archived == 10
      }
    }
    try await fixture.sendNumbered(40..<51)
    try await running(fixture, into: store) { archive in
      try await eventually("the next object") { archive.status.partitions[0]?.archived == 50 }
      #expect(archive.status.objects == 1)
    }
    #expect(store.lineKeys.map { ObjectName($0)?.last } == [9, 19, 29, 39, 49, 9])
    let reader = try KafkaConsumer(
      configuration: fixture.broker.configuration, group: ConsumerGroup(id: ArchiveFixture.group(store)),
      logger: fixture.logger)
    let places = [0, 1].map { TopicPartition(topic: ArchiveFixture.topic, partition: $0) }
    let committed = try await runOnOwnThread(name: "test") { () throws(KafkaError) in
      try reader.committed(of: places, timeout: .seconds(10))
    }
    #expect(committed[places[0]] == 50 && committed[places[1]] == 10)
    await reader.close()
    await fixture.end()
  }

  @Test("a quiet partition's tail is closed when its hour is over, and the silence after it is stated")
  func quiet() async throws {
    let fixture = try ArchiveFixture()
    let store = MemoryStore()
    try await fixture.sendNumbered(0..<3, from: ArchiveFixture.nowMilliseconds - 10_000)
    try await running(fixture, into: store) {
      $0.layout.period = ArchiveFixture.second
      $0.latenessMilliseconds = 500
      $0.nowMilliseconds = { ArchiveFixture.nowMilliseconds }
    } _: { _ in
      try await eventually("statements of silence") {
        try store.manifests.count { $0.statement == "no actions in this period" && $0.nextOffset == 3 } >= 3
      }
    }
    #expect(store.lineKeys.map { ObjectName($0)?.last } == [0, 1, 2])
    var verification = ArchiveVerification(store: store, keys: [], onFinding: { Issue.record("\($0)") })
    _ = try await verification.run()
    await fixture.end()
  }

  @Test("waits for a store that is away: paused, said so, nothing lost, and ends in time when it is told to")
  func storeAway() async throws {
    let fixture = try ArchiveFixture()
    let store = MemoryStore()
    try await fixture.sendNumbered(0..<100)
    store.fail { _ in .before(ObjectStoreError(.unavailable, "away", isRetriable: true)) }
    try await running(fixture, into: store) { archive in
      try await eventually("the failure") { archive.status.partitions[0]?.failure != nil }
      #expect(archive.status.partitions[0]?.stop == nil)
      store.fail(nil)
      try await eventually("everything") { archive.status.partitions[0]?.archived == 100 }
      #expect(archive.status.partitions[0]?.failure == nil)
      store.fail { _ in .before(ObjectStoreError(.unavailable, "away", isRetriable: true)) }
      try await fixture.sendNumbered(100..<200)
      try await eventually("the next failure") { archive.status.partitions[0]?.failure != nil }
    }
    store.fail(nil)
    try await fixture.drain(into: store) { $0.limits.recordsMax = 10 }
    #expect(store.lineKeys.map { ObjectName($0)?.last } == (0..<20).map { $0 * 10 + 9 })
    await fixture.end()
  }

  @Test("is not ready before the store has answered, and ends when it is told to meanwhile")
  func storeSilent() async throws {
    let fixture = try ArchiveFixture()
    let store = MemoryStore()
    store.state.withLock { $0.isSilent = true }
    try await running(fixture, into: store) { archive in
      try await eventually("the statement") { archive.status.storeFailure?.contains("has not answered yet") == true }
    }
    await fixture.end()
  }
}
