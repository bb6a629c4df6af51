import Foundation
import Kafka
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct ConsumerTests {
  private let topic = "consumed"
  private var partition: TopicPartition { TopicPartition(topic: topic, partition: 0) }

  /// A broker whose one partition holds the values "0", "1", … and a consumer of it.
  private func withRecords(
    _ count: Int, properties: [String: String] = [:],
    _ body: (_ broker: EmbeddedBroker, _ producer: KafkaProducer, _ consumer: KafkaConsumer) async throws -> Void
  ) async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    for number in 0..<count { try producer.send(topic: topic, key: nil, value: Array(String(number).utf8)) }
    #expect(await producer.flush(timeout: patience) == 0)
    let consumer = try KafkaConsumer(
      configuration: KafkaConfiguration(bootstrapServers: broker.bootstrapServers, properties: properties),
      group: ConsumerGroup(id: "g"))
    try await body(broker, producer, consumer)
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aBatchHoldsNoMoreThanAskedForAndMissesNothing() async throws {
    try await withRecords(1000) { _, _, consumer in
      try consumer.assign([partition: .beginning])
      let (sizes, offsets) = try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
        var sizes: [Int] = []
        var offsets: [Int64] = []
        while offsets.count < 1000 {
          let batch = try consumer.poll(maxRecords: 7, timeout: .seconds(10))
          sizes.append(batch.count)
          offsets += batch.map(\.offset)
        }
        return (sizes, offsets)
      }
      #expect(sizes.max() == 7)
      #expect(offsets == (0..<1000).map { $0 })
    }
  }

  @Test func gatheringFillsBatches() async throws {
    try await withRecords(0) { _, producer, consumer in
      try consumer.assign([partition: .beginning])
      _ = try await read(from: consumer) { !$0.ends.isEmpty }
      let sizes = Task {
        try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
          try (0..<5).map { _ throws(KafkaError) in
            try consumer.poll(maxRecords: 10, timeout: .seconds(60), gather: .seconds(60)).count
          }
        }
      }
      // Each record alone, so that without gathering each would be a batch of its own.
      let isDone = Atomic<Bool>(false)
      let waiting = Task {
        _ = try? await sizes.value
        isDone.store(true, ordering: .relaxed)
      }
      while !isDone.load(ordering: .relaxed) {
        _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
      }
      // Ends of the partition take places in a batch too.
      await waiting.value
      #expect(try await sizes.value.reduce(0, +) >= 20)
    }
  }

  @Test func theEndOfAPartitionIsToldWithItsOffset() async throws {
    try await withRecords(3) { _, _, consumer in
      try consumer.assign([partition: .beginning])
      let reading = try await read(from: consumer) { !$0.ends.isEmpty }
      #expect(reading.ends == [partition: 3])
      #expect(reading.records.count == 3)
    }
  }

  @Test func readingBeginsWhereItIsTold() async throws {
    try await withRecords(10) { _, producer, consumer in
      try consumer.assign([partition: .offset(7)])
      #expect(try await read(3, from: consumer).map(\.text) == ["7", "8", "9"])
      try consumer.assign([partition: .end])
      _ = try await read(from: consumer) { !$0.ends.isEmpty }
      _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("10".utf8))
      #expect(try await read(1, from: consumer).map(\.text) == ["10"])
    }
  }

  @Test func anOffsetThatIsGoneIsAFailureAndNotAJump() async throws {
    try await withRecords(10) { _, _, consumer in
      try consumer.assign([partition: .offset(1_000_000)])
      let reading = try await read(from: consumer) { !$0.failures.isEmpty }
      #expect(reading.records.isEmpty)
      #expect(reading.failures.map(\.code) == [KafkaError.Code.autoOffsetReset])
      #expect(reading.failures.first?.hint?.contains("seek") == true)
      try consumer.seek([partition: .offset(8)])
      #expect(try await read(2, from: consumer).map(\.text) == ["8", "9"])
    }
  }

  @Test func withoutACommittedOffsetReadingFromThereIsAFailure() async throws {
    try await withRecords(1) { _, _, consumer in
      try consumer.assign([partition: .committed])
      let reading = try await read(from: consumer) { !$0.failures.isEmpty }
      #expect(reading.failures.map(\.code) == [KafkaError.Code.autoOffsetReset])
    }
  }

  @Test func pausedPartitionsDeliverNothingUntilResumed() async throws {
    try await withRecords(5) { _, producer, consumer in
      try consumer.assign([partition: .beginning])
      _ = try await read(from: consumer) { $0.records.count == 5 && !$0.ends.isEmpty }
      try consumer.pause([partition])
      #expect(try consumer.assignment() == [partition])
      _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("5".utf8))
      let quiet = try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
        try consumer.poll(maxRecords: 10, timeout: .milliseconds(300)).count
      }
      #expect(quiet == 0)
      try consumer.resume([partition])
      #expect(try await read(1, from: consumer).map(\.text) == ["5"])
      #expect(throws: KafkaError.self) {
        try consumer.pause([TopicPartition(topic: topic, partition: 3)])
      }
    }
  }

  @Test func seekingGoesBackAndForth() async throws {
    try await withRecords(10) { _, _, consumer in
      try consumer.assign([partition: .beginning])
      _ = try await read(10, from: consumer)
      try consumer.seek([partition: .offset(4)])
      #expect(try await read(6, from: consumer).first?.offset == 4)
      try consumer.seek([partition: .beginning])
      #expect(try await read(10, from: consumer).first?.offset == 0)
      #expect(throws: KafkaError.self) { try consumer.seek([TopicPartition(topic: "other", partition: 0): .beginning]) }
      try consumer.seek([:])
    }
  }

  @Test func watermarksPositionsAndLagAgree() async throws {
    try await withRecords(10) { _, producer, consumer in
      #expect(
        try await runOnOwnThread(name: "test") { () throws(KafkaError) in
          try consumer.watermarks(of: partition, timeout: .seconds(30))
        } == Watermarks(low: 0, high: 10))
      #expect(try consumer.lag(of: partition) == nil)
      try consumer.assign([partition: .offset(6)])
      #expect(try consumer.positions(of: [partition])[partition] == .some(nil))
      _ = try await read(from: consumer) { $0.records.count == 4 && !$0.ends.isEmpty }
      #expect(try consumer.positions(of: [partition]) == [partition: 10])
      #expect(try consumer.cachedWatermarks(of: partition)?.high == 10)
      #expect(try consumer.lag(of: partition) == 0)
      _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [0])
      await until { (try? consumer.lag(of: partition)) == 1 }
      #expect(try consumer.lag(of: partition) == 1)
    }
  }

  @Test func theNumbersOfPartitionsComeFromTheCluster() async throws {
    try await withRecords(1) { broker, _, consumer in
      try broker.createTopic("many", partitions: 12)
      let numbers = try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        try consumer.partitions(of: "many", timeout: .seconds(30))
      }
      #expect(numbers == Array(0..<12))
      try broker.setTopicError("forbidden", KafkaError.Code.topicAuthorizationFailed)
      await #expect {
        try await runOnOwnThread(name: "test") { () throws(KafkaError) in
          try consumer.partitions(of: "forbidden", timeout: .seconds(30))
        }
      } throws: {
        ($0 as? KafkaError)?.code == KafkaError.Code.topicAuthorizationFailed
      }
    }
  }

  @Test func headersAreFoundByName() async throws {
    try await withRecords(0) { _, producer, consumer in
      _ = try await producer.sendAcknowledged(
        topic: topic, key: nil, value: [1],
        headers: [KafkaHeader("ttl", "1"), KafkaHeader("ttl", "60"), KafkaHeader(key: "none", value: nil)])
      try consumer.assign([partition: .beginning])
      let found = try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) -> [String?] in
        while true {
          let batch = try consumer.poll(maxRecords: 1, timeout: .seconds(10))
          guard let record = batch.first else { continue }
          return ["ttl", "none", "missing"].map { name in
            record.header(named: name).map { String(decoding: $0, as: UTF8.self) }
          }
        }
      }
      #expect(found == ["60", nil, nil])
    }
  }
}
