import Foundation
import Kafka
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct ProducerTests {
  private let topic = "produced"

  /// Known values of Kafka's own murmur2 (its UtilsTest), so that JVM producers choose the same partitions.
  @Test(arguments: [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)])
  func keysGoToThePartitionThatJVMProducersChoose(_ key: String, _ hash: Int32) async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 8)
    let producer = try KafkaProducer(configuration: broker.configuration)
    let position = try await producer.sendAcknowledged(topic: topic, key: Array(key.utf8), value: [1])
    #expect(position.partition == (hash & 0x7FFF_FFFF) % 8)
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aFullQueueRefusesAtOnceAndTakesRecordsAgainWhenItHasDrained() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    try broker.setBroker(-1, isUp: false)
    let producer = try KafkaProducer(
      configuration: broker.configuration, limits: ProducerLimits(queuedRecordsMax: 10, queuedKilobytesMax: 1024))
    for _ in 0..<10 { try producer.send(topic: topic, key: nil, value: [1]) }
    #expect {
      try producer.send(topic: topic, key: nil, value: [1]) { _ in Issue.record("reported a refused record") }
    } throws: { error in
      guard let error = error as? KafkaError else { return false }
      return error.code == KafkaError.Code.queueFull && error.isRetriable && error.message.contains("full")
    }
    #expect {
      try producer.send(topic: topic, key: nil, value: [1], headers: [KafkaHeader("a", "b")])
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.queueFull
    }
    #expect(producer.outstanding == 10)
    try broker.setBroker(-1, isUp: true)
    #expect(await producer.flush(timeout: patience) == 0)
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    #expect(await producer.close(flushTimeout: .seconds(10)) == 0)
    await broker.close()
  }

  @Test func recordsThatKafkaWouldNeverTakeAreRefusedAtOnce() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    let large = [UInt8](repeating: 1, count: 2_000_000)
    #expect {
      try producer.send(topic: topic, key: nil, value: large)
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.recordTooLarge
    }
    #expect {
      try producer.send(topic: topic, partition: 7, key: nil, value: [1])
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.unknownPartition
    }
    for name in ["", "with space", "ümlaut", ".", "..", String(repeating: "a", count: 250)] {
      #expect {
        try producer.send(topic: name, key: nil, value: [1])
      } throws: {
        ($0 as? KafkaError)?.code == KafkaError.Code.invalidTopic
      }
    }
    await until { producer.outstanding == 0 }
    #expect(producer.outstanding == 0)
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aBatchIsAcknowledgedRecordByRecord() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: nil)
    var records = (0..<100).map { ProducerRecord(topic: topic, key: [UInt8($0)], value: [UInt8($0)]) }
    records[50].value = [UInt8](repeating: 0, count: 2_000_000)
    let outcomes = await producer.sendAcknowledged(records)
    #expect(outcomes.count == 100)
    #expect(failureCode(outcomes[50]) == KafkaError.Code.recordTooLarge)
    let offsets = outcomes.compactMap { try? $0.get().offset }
    #expect(offsets == Array(1...99))
    #expect(await producer.sendAcknowledged([]).isEmpty)
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func bytesInForeignMemoryAreCopiedBeforeSendReturns() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
    memory.copyBytes(from: Array("original".utf8))
    try producer.send(
      topic: topic, rawKey: UnsafeRawBufferPointer(rebasing: memory[0..<4]), rawValue: UnsafeRawBufferPointer(memory))
    try producer.send(topic: topic, rawKey: nil, rawValue: nil)
    memory.copyBytes(from: Array("xxxxxxxx".utf8))
    memory.deallocate()
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([TopicPartition(topic: topic, partition: 0): .beginning])
    let records = try await read(2, from: consumer)
    #expect(records.first?.text == "original")
    #expect(records.first?.key == Array("orig".utf8))
    #expect(records.last?.value == nil)
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func manyRecordsArriveOnceAndInOrder() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    let count = 20_000
    let delivered = Atomic<Int>(0)
    for number in 0..<count {
      try producer.send(
        topic: topic, key: nil, value: Array(String(number).utf8), headers: [KafkaHeader("n", String(number))]
      ) { result in
        if case .success = result { delivered.add(1, ordering: .relaxed) }
      }
    }
    #expect(await producer.flush(timeout: patience) == 0)
    #expect(delivered.load(ordering: .relaxed) == count)
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([TopicPartition(topic: topic, partition: 0): .beginning])
    let records = try await read(count, from: consumer)
    #expect(records.map(\.text) == (0..<count).map { String($0) })
    #expect(records.map(\.offset) == (0..<Int64(count)).map { $0 })
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }
}
