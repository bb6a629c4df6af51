import Foundation
import Kafka
import Testing

/// What only a real broker can show. Any cluster will do: topics and groups have names of their own and are removed.
@Suite(.timeLimit(.minutes(5))) struct RealBrokerTests {
  struct NoBroker: Error, CustomStringConvertible {
    let description =
      "KAFKA_BOOTSTRAP_SERVERS is not set: name a Kafka cluster (host:port) there, or run `make test`, which starts one"
  }

  private let configuration: KafkaConfiguration
  private let unique = "strandline-test-\(UUID().uuidString.prefix(8).lowercased())"

  init() throws {
    guard let servers = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP_SERVERS"], !servers.isEmpty else {
      throw NoBroker()
    }
    configuration = KafkaConfiguration(bootstrapServers: servers)
  }

  /// Creates a topic, and removes it and the group of the same name at the end, whatever happens.
  private func withTopic(
    partitions: Int32 = 1, configuration topicConfiguration: [String: String] = [:],
    _ body: (_ topic: String, _ admin: KafkaAdmin) async throws -> Void
  ) async throws {
    let admin = try KafkaAdmin(configuration: configuration)
    try await admin.createTopic(
      unique, partitions: partitions, replicationFactor: 1, configuration: topicConfiguration)
    var failure: (any Error)?
    do {
      try await body(unique, admin)
    } catch {
      failure = error
    }
    try await admin.deleteTopics([unique])
    // Only some tests have made a group.
    try? await admin.deleteGroups([unique])
    await admin.close()
    if let failure { throw failure }
  }

  private func produce(_ count: Int, to topic: String) async throws -> [RecordPosition] {
    let producer = try KafkaProducer(configuration: configuration)
    let outcomes = await producer.sendAcknowledged(
      (0..<count).map { ProducerRecord(topic: topic, partition: 0, key: [UInt8($0)], value: Array("\($0)".utf8)) })
    #expect(await producer.close(flushTimeout: .seconds(30)) == 0)
    return try outcomes.map { try $0.get() }
  }

  @Test func aTopicIsCreatedDescribedExtendedAndDeleted() async throws {
    let admin = try KafkaAdmin(configuration: configuration)
    try await admin.createTopic(
      unique, partitions: 3, replicationFactor: 1,
      configuration: ["retention.ms": "3600000", "cleanup.policy": "delete"])
    await #expect {
      try await admin.createTopic(unique, partitions: 1, replicationFactor: 1)
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.topicAlreadyExists
    }
    let described = try await admin.describeTopics([unique])
    #expect(described.first?.partitions.map(\.id) == [0, 1, 2])
    #expect(described.first?.partitions.allSatisfy { $0.leader != nil } == true)
    let settings = try await admin.describeConfiguration(topic: unique)
    #expect(settings.first { $0.name == "retention.ms" }?.value == "3600000")
    #expect(settings.first { $0.name == "retention.ms" }?.isDefault == false)
    #expect(settings.contains { $0.name == "cleanup.policy" && $0.value == "delete" })

    try await admin.createPartitions(of: unique, total: 5)
    try await admin.deleteTopics([unique])
    await until { (try? await admin.describeTopics([unique])) == nil }
    await #expect {
      try await admin.describeTopics([unique])
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.unknownTopicOrPartition
    }
    await #expect(throws: KafkaError.self) { try await admin.deleteTopics([unique]) }
    await #expect(throws: KafkaError.self) { try await admin.createTopic("not a name") }
    #expect(try await admin.metadata().brokers.isEmpty == false)
    await admin.close()
  }

  @Test func recordsTravelWithKeyHeadersNullsAndTime() async throws {
    try await withTopic { topic, _ in
      let producer = try KafkaProducer(configuration: configuration)
      let headers = [KafkaHeader("a", "1"), KafkaHeader(key: "none", value: nil), KafkaHeader(key: "empty", value: [])]
      let time = Int64(Date().timeIntervalSince1970 * 1000) - 5000
      let position = try await producer.sendAcknowledged(
        topic: topic, key: Array("p/q".utf8), value: Array("{}".utf8), headers: headers, timestampMilliseconds: time)
      _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: nil)
      #expect(await producer.close(flushTimeout: .seconds(30)) == 0)
      let consumer = try KafkaConsumer(configuration: configuration)
      try consumer.assign([TopicPartition(topic: topic, partition: 0): .offset(position.offset)])
      let records = try await read(2, from: consumer)
      #expect(records.map(\.key) == [Array("p/q".utf8), nil])
      #expect(records.map(\.value) == [Array("{}".utf8), nil])
      #expect(records.first?.headers == headers)
      #expect(records.first?.timestamp == .createTime(milliseconds: time))
      await consumer.close()
    }
  }

  @Test func theBrokersTimeIsKnownAsTheBrokers() async throws {
    try await withTopic(configuration: ["message.timestamp.type": "LogAppendTime"]) { topic, _ in
      _ = try await produce(1, to: topic)
      let consumer = try KafkaConsumer(configuration: configuration)
      try consumer.assign([TopicPartition(topic: topic, partition: 0): .beginning])
      let record = try #require(try await read(1, from: consumer).first)
      guard case .logAppendTime(let milliseconds) = record.timestamp else {
        Issue.record("\(record.timestamp)")
        return
      }
      #expect(milliseconds > 1_600_000_000_000)
      await consumer.close()
    }
  }

  @Test func readingBeginsAtATime() async throws {
    try await withTopic { topic, _ in
      let partition = TopicPartition(topic: topic, partition: 0)
      let producer = try KafkaProducer(configuration: configuration)
      let start = Int64(Date().timeIntervalSince1970 * 1000) - 100_000
      for number in 0..<10 {
        _ = try await producer.sendAcknowledged(
          topic: topic, partition: 0, key: nil, value: Array("\(number)".utf8),
          timestampMilliseconds: start + Int64(number) * 1000)
      }
      let consumer = try KafkaConsumer(configuration: configuration)
      try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        let found = try consumer.offsetsForTimes([partition: start + 3500], timeout: .seconds(30))
        #expect(found == [partition: 4])
        let none = try consumer.offsetsForTimes([partition: start + 1_000_000], timeout: .seconds(30))
        #expect(none == [partition: nil])
        try consumer.assign([partition: .time(milliseconds: start + 7000)])
      }
      #expect(try await read(3, from: consumer).map(\.text) == ["7", "8", "9"])
      try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        try consumer.seek([partition: .time(milliseconds: start + 8500)], timeout: .seconds(30))
      }
      #expect(try await read(1, from: consumer).map(\.text) == ["9"])
      #expect(await producer.close(flushTimeout: .seconds(30)) == 0)
      await consumer.close()
    }
  }

  @Test func recordsThatRetentionTookAreAFailureAndNotAJump() async throws {
    try await withTopic { topic, admin in
      let partition = TopicPartition(topic: topic, partition: 0)
      _ = try await produce(10, to: topic)
      #expect(try await admin.deleteRecords(before: [partition: 6]) == [partition: 6])
      let consumer = try KafkaConsumer(configuration: configuration)
      #expect(
        try await runOnOwnThread(name: "test") { () throws(KafkaError) in
          try consumer.watermarks(of: partition, timeout: .seconds(30))
        } == Watermarks(low: 6, high: 10))
      try consumer.assign([partition: .offset(2)])
      let reading = try await read(from: consumer) { !$0.failures.isEmpty || !$0.records.isEmpty }
      #expect(reading.failures.map(\.code) == [KafkaError.Code.autoOffsetReset])
      #expect(reading.records.isEmpty)
      try consumer.seek([partition: .offset(6)])
      #expect(try await read(4, from: consumer).map(\.offset) == [6, 7, 8, 9])
      await consumer.close()
    }
  }

  @Test func aStaticMemberKeepsItsPartitionsOverARestart() async throws {
    try await withTopic(partitions: 2) { topic, _ in
      let group = ConsumerGroup(id: topic, instanceID: "node-1")
      // The shortest that brokers allow: the member stays in the group for that long after the test.
      var configuration = configuration
      configuration["session.timeout.ms"] = "6000"
      _ = try await produce(4, to: topic)
      for _ in 0..<2 {
        let consumer = try KafkaConsumer(configuration: configuration, group: group)
        try consumer.subscribe(
          topics: [topic],
          callbacks: RebalanceCallbacks(assigned: { $0.reduce(into: [:]) { $0[$1] = .beginning } }))
        let reading = try await read(from: consumer) { $0.records.count == 4 && $0.ends.count == 2 }
        #expect(reading.records.count == 4)
        #expect(try consumer.assignment().count == 2)
        await consumer.close()
      }
    }
  }

  @Test func aGroupRemembersWhatWasCommitted() async throws {
    try await withTopic { topic, _ in
      let partition = TopicPartition(topic: topic, partition: 0)
      _ = try await produce(5, to: topic)
      let consumer = try KafkaConsumer(configuration: configuration, group: ConsumerGroup(id: topic))
      try consumer.subscribe(
        topics: [topic], callbacks: RebalanceCallbacks(assigned: { $0.reduce(into: [:]) { $0[$1] = .beginning } }))
      _ = try await read(5, from: consumer)
      let committed = try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        try consumer.commit([partition: 3], timeout: .seconds(30))
        return try consumer.committed(of: [partition], timeout: .seconds(30))
      }
      #expect(committed == [partition: 3])
      await consumer.close()
    }
  }

  @Test func aTopicThatDoesNotExistIsAClearError() async throws {
    let admin = try KafkaAdmin(configuration: configuration)
    await #expect {
      try await admin.describeConfiguration(topic: unique)
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.unknownTopicOrPartition
    }
    await admin.close()
  }
}
