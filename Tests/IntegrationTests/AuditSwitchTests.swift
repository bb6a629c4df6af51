import ActionIngest
import ActionStore
import AuditActions
import FeedServer
import Foundation
import Kafka
import QueueMetadata
import Synchronization
import Testing

/// A node that audits what is asked for: queue metadata, store and ingest.
private final class AuditedNode: Sendable {
  let queues: AuditedQueues
  let store: ActionStore
  private let ingesting: Task<Void, any Error>
  private let directory: String

  init(_ broker: EmbeddedBroker) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
    let logger = RealCluster.logger
    let reader = try QueueMetadataReader(
      configuration: QueueMetadataConfiguration(kafka: broker.configuration), logger: logger)
    reader.start()
    queues = AuditedQueues(reader: reader, writer: try QueueMetadataWriter(reader: reader, logger: logger))
    let store = try ActionStore(
      configuration: StoreConfiguration(directory: directory, topic: "audit.actions"), logger: logger)
    self.store = store
    var configuration = IngestConfiguration(kafka: broker.configuration, topic: "audit.actions")
    configuration.policies = { reader.policies }
    let ingest = ActionIngest(configuration: configuration, store: store, logger: logger)
    ingesting = Task { try await ingest.run() }
  }

  func set(_ document: String, of queue: QueueAddress) async throws {
    let document = try QueueDocument(document.utf8)
    _ = try await queues.writer.edit(queue) { (_) throws(AuditActionError) in document }
  }

  func bodies(_ queue: QueueAddress) -> [String] {
    var marker: Marker?
    var bodies: [String] = []
    while true {
      let page = store.page(of: queue, after: marker, limit: 50)
      if page.actions.isEmpty { return bodies }
      bodies += page.actions.map { String(decoding: $0.body, as: UTF8.self) }
      marker = page.marker
    }
  }

  func stop() async throws {
    ingesting.cancel()
    _ = await ingesting.result
    await queues.writer.close()
    await queues.reader.close()
    try store.close()
    try? FileManager.default.removeItem(atPath: directory)
  }
}

/// A worker that sends actions, each once the one before it is acknowledged.
private final class Load: Sendable {
  private let producer: KafkaProducer
  private let count = Atomic(0)
  private let isOn = Atomic(true)

  init(_ broker: EmbeddedBroker) throws {
    producer = try KafkaProducer(configuration: broker.configuration, logger: RealCluster.logger)
  }

  var sent: Int { count.load(ordering: .relaxed) }

  func send(_ text: String) async throws {
    _ = try await producer.sendAcknowledged(
      topic: "audit.actions", key: Array("p/q".utf8), value: Array(text.utf8))
    count.add(1, ordering: .relaxed)
  }

  func run() async throws {
    var number = 0
    while isOn.load(ordering: .relaxed) {
      try await send(#"{"event":"Load","details":{"n":\#(number)}}"#)
      number += 1
    }
  }

  func stop() { isOn.store(false, ordering: .relaxed) }
  func close() async { await producer.close(flushTimeout: .seconds(1)) }
}

@Suite("Audit switched on and off")
struct AuditSwitchTests {
  @Test("under load a switch takes effect on two nodes, and every action sent is stored or counted as dropped")
  func switching() async throws {
    let broker = try EmbeddedBroker(logger: RealCluster.logger)
    try broker.createTopic("audit.actions", partitions: 2)
    try broker.createTopic("audit.actions.dlq", partitions: 1)
    try broker.createTopic(QueueMetadataConfiguration.defaultTopic, partitions: 1)
    let queue = try QueueAddress(project: "p", queue: "q")
    let nodes = [try AuditedNode(broker), try AuditedNode(broker)]
    let load = try Load(broker)
    try await eventually("both know which queues are audited") {
      nodes.allSatisfy { $0.queues.reader.isCaughtUp }
    }
    let loading = Task { try await load.run() }
    var wanted: [String] = []
    var slowest = Duration.zero
    for round in 0..<10 {
      for isOn in [true, false] {
        let start = ContinuousClock.now
        try await nodes[round % 2].set(#"{"audit":{"enabled":\#(isOn)},"round":\#(round)}"#, of: queue)
        try await eventually("both nodes know it") {
          nodes.allSatisfy { $0.queues.reader.isAudited(queue) == isOn }
        }
        slowest = max(slowest, ContinuousClock.now - start)
        let probe = #"{"event":"Probe","details":{"round":\#(round),"on":\#(isOn)}}"#
        try await load.send(probe)
        if isOn { wanted.append(probe) }
        // Judged before the next switch.
        let count = load.sent
        try await eventually("both nodes have come to the probe") {
          nodes.allSatisfy { node in
            let balance = node.store.balance()
            return Int(balance.received + balance.dropped.values.reduce(0, +)) >= count
          }
        }
      }
    }
    load.stop()
    try await loading.value
    let total = load.sent
    for node in nodes {
      try await eventually("everything is judged") {
        let balance = node.store.balance()
        return Int(balance.received + balance.dropped.values.reduce(0, +)) == total
      }
      let balance = node.store.balance()
      let bodies = node.bodies(queue)
      #expect(bodies.filter { $0.contains("Probe") } == wanted)
      #expect(bodies.count == Int(balance.live) && balance.received == balance.live)
      #expect(balance.unbalancedQueues == 0 && balance.rejected == 0 && balance.duplicates == 0)
      #expect(Int(balance.live + (balance.dropped[.notAudited] ?? 0)) == total)
      #expect(balance.dropped[.notAudited] ?? 0 > 0)
      #expect(node.store.page(of: queue, after: nil, limit: 50).gaps.isEmpty)
    }
    try await nodes[0].set(#"{"audit":{"enabled":true,"retention":{"count":3}}}"#, of: queue)
    try await eventually("both nodes keep three") { nodes.allSatisfy { $0.bodies(queue).count == 3 } }
    for node in nodes {
      let gap = try #require(node.store.page(of: queue, after: nil, limit: 50).gaps.first)
      #expect(gap.reason == .queueRetention)
      #expect(gap.count == (node.store.statistics(of: queue)?.received).map { $0 - 3 })
      #expect(node.store.balance().unbalancedQueues == 0)
    }
    print("audit switched 20 times under load of \(total) actions; slowest to reach two nodes: \(slowest)")
    for node in nodes { try await node.stop() }
    await load.close()
    await broker.close()
  }
}
