import ActionEmitter
import ActionIngest
import ActionStore
import AuditActions
import Foundation
import Kafka
import Testing

@Suite("On a real cluster")
struct FeedPathTests {
  private func temporaryDirectory() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
  }

  @Test("what a worker emits is what an auditor reads, in order and byte for byte, at every limit")
  func path() async throws {
    let cluster = try RealCluster()
    try await cluster.withTopic(partitions: 3) { topic in
      let directory = temporaryDirectory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      var configuration = ActionEmitterConfiguration(kafka: cluster.configuration)
      configuration.topic = topic
      let emitter = try ActionEmitter(configuration: configuration, logger: RealCluster.logger)
      let queues = try (0..<4).map { try QueueAddress(project: "p", queue: "q\($0)") }
      var expected: [QueueAddress: [String]] = [:]
      for index in 0..<200 {
        let queue = queues[index % queues.count]
        let body = "{ \"event\" : \"Own\", \"details\":{\"n\":\(index), \"text\":\"ä\\u00e4 \\\"\"}}"
        _ = try await emitter.emitAcknowledged(raw: RawAction(body: Array(body.utf8)), to: queue)
        expected[queue, default: []].append(body)
      }
      try await eventually("all stored") { node.ingest.status.stored == 200 }
      for queue in queues {
        for limit in [1, 10, 50] {
          let (bodies, next) = try await node.follow(queue, limit: limit)
          #expect(bodies == expected[queue])
          #expect(next != nil)
        }
      }
      _ = await emitter.close(flushTimeout: .seconds(5))
      try await node.stop()
    }
  }

  @Test("partitions added while it runs are read, and a queue may lie on several")
  func partitionsAdded() async throws {
    let cluster = try RealCluster()
    try await cluster.withTopic(partitions: 1) { topic in
      let directory = temporaryDirectory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      let queue = try QueueAddress(project: "p", queue: "q")
      func send(_ number: Int, _ partition: Int32, by producer: KafkaProducer) async throws {
        _ = try await producer.sendAcknowledged(
          topic: topic, partition: partition, key: Array("p/q".utf8), value: Array("{\"event\":\"E\(number)\"}".utf8))
      }
      let early = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
      for number in 0..<10 { try await send(number, 0, by: early) }
      await early.close(flushTimeout: .seconds(5))
      try await eventually("the first ten") { node.ingest.status.stored == 10 }
      try await cluster.admin.createPartitions(of: topic, total: 3)
      try await eventually("the new partitions") { node.ingest.status.partitions.count == 3 }
      // A producer learns of new partitions only after minutes: this one begins with them.
      let late = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
      for number in 10..<40 { try await send(number, Int32(number % 3), by: late) }
      try await eventually("all forty") { node.ingest.status.stored == 40 }
      let bodies = try await node.follow(queue, limit: 7).bodies
      #expect(Set(bodies) == Set((0..<40).map { "{\"event\":\"E\($0)\"}" }))
      #expect(bodies.count == 40)
      await late.close(flushTimeout: .seconds(5))
      try await node.stop()
    }
  }

  @Test("what retention removed before it was read does not stop the reading of the rest")
  func retention() async throws {
    let cluster = try RealCluster()
    try await cluster.withTopic(partitions: 1) { topic in
      let directory = temporaryDirectory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let producer = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
      let queue = try QueueAddress(project: "p", queue: "q")
      func send(_ numbers: Range<Int>) async throws {
        for number in numbers {
          _ = try await producer.sendAcknowledged(
            topic: topic, key: Array("p/q".utf8), value: Array("{\"event\":\"E\(number)\"}".utf8))
        }
      }
      try await send(0..<5)
      var node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      try await eventually("the first five") { node.ingest.status.stored == 5 }
      let marker = node.store.page(of: queue, after: nil, limit: 3).marker
      try await node.stop()
      try await send(5..<20)
      let place = TopicPartition(topic: topic, partition: 0)
      _ = try await cluster.admin.deleteRecords(before: [place: 12])
      node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      try await eventually("the rest") { node.store.nextOffset(of: 0) == 20 }
      let bodies = try await node.follow(queue, limit: 10).bodies
      let expected = (Array(0..<5) + Array(12..<20)).map { "{\"event\":\"E\($0)\"}" }
      #expect(bodies == expected)
      for _ in 0..<2 {
        let page = node.store.page(of: queue, after: marker, limit: 50)
        let gap = try #require(page.gaps.first)
        #expect(page.gaps.count == 1 && gap.reason == .topicRetention && gap.count == nil)
        #expect(gap.partition == 0 && gap.from == 5 && gap.to == 11)
        #expect(page.actions.count == 10)
        #expect(node.store.page(of: queue, after: page.marker, limit: 50).gaps.isEmpty)
        try await node.stop()
        node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      }
      await producer.close(flushTimeout: .seconds(5))
      try await node.stop()
    }
  }

  @Test("a node whose store is lost is rebuilt from what can still be alive, and its readers go on")
  func rebuild() async throws {
    let cluster = try RealCluster()
    try await cluster.withTopic(partitions: 2, configuration: ["message.timestamp.type": "CreateTime"]) { topic in
      let queue = try QueueAddress(project: "p", queue: "q")
      let key = [UInt8](repeating: 7, count: 32)
      let producer = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
      let now = Int64(Date().timeIntervalSince1970 * 1_000)
      func send(_ number: Int, partition: Int32, daysAgo: Int64 = 0) async throws {
        _ = try await producer.sendAcknowledged(
          topic: topic, partition: partition, key: Array("p/q".utf8), value: Array("{\"event\":\"E\(number)\"}".utf8),
          headers: [KafkaHeader("ttl", "1209600")], timestampMilliseconds: now - daysAgo * 86_400_000)
      }
      for number in 0..<20 { try await send(number, partition: 0, daysAgo: 20) }
      for number in 20..<60 { try await send(number, partition: Int32(number % 2), daysAgo: 2) }
      let first = temporaryDirectory()
      let second = temporaryDirectory()
      defer { for directory in [first, second] { try? FileManager.default.removeItem(atPath: directory) } }
      var node = try await FeedNode(
        cluster: cluster.configuration, topic: topic, directory: first, sealingKey: key)
      try await eventually("all alive") { node.store.statistics(of: queue)?.live == 40 }
      let page = node.store.page(of: queue, after: nil, limit: 15)
      let text = node.store.sealer.seal(page.marker, queue: queue)
      var seen = page.actions.map(\.body)
      try await node.stop()
      node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: second, sealingKey: key)
      try await eventually("the rebuild") { node.store.statistics(of: queue)?.live == 40 }
      try await eventually("its end") { node.ingest.status.rebuild == nil }
      // What had expired before the rebuild was not read again.
      #expect(node.store.statistics(of: queue)?.received == 40)
      var marker = try node.store.sealer.openMarker(text, queue: queue)
      while true {
        let page = node.store.page(of: queue, after: marker, limit: 10)
        #expect(page.gaps.isEmpty)
        if page.actions.isEmpty { break }
        seen += page.actions.map(\.body)
        marker = page.marker
      }
      #expect(Set(seen) == Set((20..<60).map { Array("{\"event\":\"E\($0)\"}".utf8) }))
      #expect(seen.count == 40)
      await producer.close(flushTimeout: .seconds(5))
      try await node.stop()
    }
  }

  @Test("a node that comes when everything has been removed stands at the end of the topic")
  func nothingLeft() async throws {
    let cluster = try RealCluster()
    try await cluster.withTopic(partitions: 1) { topic in
      let directory = temporaryDirectory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let producer = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
      for _ in 0..<7 {
        _ = try await producer.sendAcknowledged(
          topic: topic, key: Array("p/q".utf8), value: Array("{\"event\":\"E\"}".utf8))
      }
      _ = try await cluster.admin.deleteRecords(before: [TopicPartition(topic: topic, partition: 0): 7])
      let node = try await FeedNode(cluster: cluster.configuration, topic: topic, directory: directory)
      try await eventually("the end") { node.store.nextOffset(of: 0) == 7 }
      await producer.close(flushTimeout: .seconds(5))
      try await node.stop()
    }
  }
}
