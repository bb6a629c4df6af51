import AuditActions
import Kafka
import Synchronization
import Testing

@testable import QueueMetadata

@Suite("Reading queue metadata")
struct ReaderTests {
  let queue: QueueAddress

  init() throws { queue = try QueueAddress(project: "p", queue: "q") }

  @Test("reads the topic from its beginning, then follows; the last record of a queue counts")
  func reading() async throws {
    let fixture = try QueueMetadataFixture(partitions: 3)
    try await fixture.send(#"{"audit":{"enabled":false}}"#, key: "p/q")
    let last = try await fixture.send(#"{"audit":{"enabled":true}}"#, key: "p/q")
    try await fixture.send(#"{"team":"x"}"#, key: "p/gone")
    try await fixture.send(nil, key: "p/gone")
    let caughtUp = Atomic(0)
    let changes = Mutex<[String]>([])
    let reader = try fixture.reader(
      onChange: { queue, document in
        changes.withLock { $0.append("\(queue) \(document?.audit.enabled.map(String.init) ?? "none")") }
      }, onCaughtUp: { caughtUp.add(1, ordering: .relaxed) })
    #expect(reader.policies == nil)
    #expect(!reader.isCaughtUp)
    reader.start()
    try await eventually("caught up") { reader.isCaughtUp }
    #expect(reader.entry(of: queue)?.text == #"{"audit":{"enabled":true}}"#)
    #expect(reader.entry(of: queue)?.version == QueueVersion(partition: last.partition, offset: last.offset))
    #expect(reader.entry(of: try QueueAddress(project: "p", queue: "gone")) == nil)
    #expect(reader.policies?.policy(of: queue).isAudited == true)
    #expect(reader.status.queues == 1)

    try await fixture.send(nil, key: "p/q")
    try await eventually("deletion read") { reader.entry(of: queue) == nil }
    try await eventually("told") { changes.withLock { $0.last } == "p/q none" }
    #expect(changes.withLock { $0.filter { $0.hasPrefix("p/q ") } } == ["p/q false", "p/q true", "p/q none"])
    #expect(caughtUp.load(ordering: .relaxed) == 1)
    await reader.close()
    await reader.close()
    await fixture.end()
  }

  @Test("an empty topic is read at once")
  func empty() async throws {
    let fixture = try QueueMetadataFixture()
    let reader = try fixture.reader()
    reader.start()
    try await eventually("caught up") { reader.isCaughtUp }
    #expect(reader.policies?.policy(of: queue).isAudited == false)
    await reader.close()
    await fixture.end()
  }

  @Test("a record that breaks the contract is skipped and counted, and what was known stays")
  func broken() async throws {
    let fixture = try QueueMetadataFixture()
    try await fixture.send(#"{"team":"x"}"#, key: "p/q")
    for (key, value) in [("p/q", "nonsense"), ("p/q", #"{"audit":{"ttl":0}}"#), ("no queue", "{}"), (nil, "{}")] {
      try await fixture.send(value, key: key)
    }
    let reader = try fixture.reader()
    reader.start()
    try await eventually("caught up") { reader.isCaughtUp }
    #expect(reader.status.skipped == 4)
    #expect(reader.entry(of: queue)?.text == #"{"team":"x"}"#)
    await reader.close()
    await fixture.end()
  }

  @Test("a broker that cannot be reached is waited for, and closing does not wait for it")
  func unreachable() async throws {
    var fixture = try QueueMetadataFixture()
    fixture.configuration.kafka = KafkaConfiguration(bootstrapServers: "127.0.0.1:1")
    let reader = try fixture.reader()
    reader.start()
    try await eventually("the fault is told") { reader.status.failure?.contains("cannot be read") ?? false }
    #expect(!reader.isCaughtUp)
    await reader.close()
    await fixture.end()
  }

  @Test("a reader that was never started closes")
  func unstarted() async throws {
    let fixture = try QueueMetadataFixture()
    let reader = try fixture.reader()
    await reader.close()
    reader.start()
    #expect(!reader.isCaughtUp)
    await fixture.end()
  }

  @Test("who waits for an offset is released when it is read, when the time has passed, and when the reader closes")
  func waiting() async throws {
    let fixture = try QueueMetadataFixture()
    let reader = try fixture.reader()
    reader.start()
    #expect(await !reader.read(upTo: [0: 1], within: .milliseconds(1)))
    async let isRead = reader.read(upTo: [0: 1], within: .seconds(60))
    try await fixture.send("{}", key: "p/q")
    #expect(await isRead)
    async let isNeverRead = reader.read(upTo: [0: 99], within: .seconds(3_600))
    await reader.close()
    #expect(await !isNeverRead)
    await fixture.end()
  }
}
