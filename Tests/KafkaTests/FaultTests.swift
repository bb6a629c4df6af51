import Foundation
import Kafka
import Testing

/// The embedded broker's faults, and what clients make of them.
@Suite(.timeLimit(.minutes(3))) struct FaultTests {
  private let topic = "faults"
  private var partition: TopicPartition { TopicPartition(topic: topic, partition: 0) }

  private func allValues(of broker: EmbeddedBroker, _ count: Int) async throws -> [String] {
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([partition: .beginning])
    let reading = try await read(from: consumer) { $0.records.count >= count && !$0.ends.isEmpty }
    await consumer.close()
    return reading.records.map(\.text)
  }

  @Test(arguments: [
    KafkaError.Code.notLeaderForPartition, KafkaError.Code.notEnoughReplicas, KafkaError.Code.requestTimedOut,
    KafkaError.Code.transport,
  ])
  func aRecordSurvivesPassingFaultsOfItsBrokerAndIsStoredOnce(_ code: Int32) async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(
        bootstrapServers: broker.bootstrapServers, properties: ["retry.backoff.ms": "10", "reconnect.backoff.ms": "10"])
    )
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("a".utf8))
    try broker.pushErrors(.produce, [code, code])
    let position = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("b".utf8))
    #expect(position.offset == 1)
    #expect(try await allValues(of: broker, 2) == ["a", "b"])
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aLastingFaultIsReportedWithTheBrokersCode() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    try broker.pushErrors(.produce, [KafkaError.Code.topicAuthorizationFailed])
    await #expect {
      try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    } throws: { error in
      guard let error = error as? KafkaError else { return false }
      return error.code == KafkaError.Code.topicAuthorizationFailed && !error.isRetriable && error.hint != nil
    }
    await producer.close(flushTimeout: .seconds(1))
    await broker.close()
  }

  @Test func recordsFollowALeaderThatMoves() async throws {
    let broker = try EmbeddedBroker(brokers: 3)
    try broker.createTopic(topic, partitions: 1, replicationFactor: 3)
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(
        bootstrapServers: broker.bootstrapServers, properties: ["retry.backoff.ms": "10"]))
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([partition: .beginning])
    for leader: Int32 in 1...3 {
      try broker.setLeader(of: partition, to: leader)
      _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("to \(leader)".utf8))
    }
    let records = try await read(3, from: consumer)
    #expect(records.map(\.text) == ["to 1", "to 2", "to 3"])
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func anOutageIsSurvivedAndSeen() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let configuration = KafkaConfiguration(
      bootstrapServers: broker.bootstrapServers,
      properties: ["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"])
    let producer = try KafkaProducer(configuration: configuration)
    let consumer = try KafkaConsumer(configuration: configuration)
    try consumer.assign([partition: .beginning])
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("before".utf8))
    try broker.setBroker(1, isUp: false)
    let during = Task { try await producer.sendAcknowledged(topic: topic, key: nil, value: Array("during".utf8)) }
    await until { producer.lastError != nil }
    #expect(producer.lastError?.isRetriable == true)
    #expect(producer.fatalError == nil)
    try broker.setBroker(1, isUp: true)
    #expect(try await during.value.offset == 1)
    #expect(try await read(2, from: consumer).map(\.text) == ["before", "during"])
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aRecordThatCannotBeDeliveredInTimeFails() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    try broker.setBroker(-1, isUp: false)
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(
        bootstrapServers: broker.bootstrapServers, properties: ["delivery.timeout.ms": "300", "linger.ms": "0"]))
    await #expect {
      try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    } throws: { error in
      (error as? KafkaError)?.code == KafkaError.Code.recordTimedOut
    }
    await producer.close(flushTimeout: .zero)
    await broker.close()
  }

  @Test func afterAFatalErrorEverythingIsRefusedWithItsReason() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(
        bootstrapServers: broker.bootstrapServers, properties: ["enable.gapless.guarantee": "true"]))
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    try broker.pushErrors(.produce, [KafkaError.Code.recordTooLarge])
    await #expect(throws: KafkaError.self) {
      try await producer.sendAcknowledged(topic: topic, key: nil, value: [2])
    }
    await until { producer.fatalError != nil }
    #expect(producer.fatalError?.isFatal == true)
    #expect(producer.fatalError?.name == "_GAPLESS_GUARANTEE")
    #expect {
      try producer.send(topic: topic, key: nil, value: [3])
    } throws: {
      ($0 as? KafkaError)?.isFatal == true
    }
    await producer.close(flushTimeout: .seconds(1))
    await broker.close()
  }

  @Test func errorsThatWereTakenBackDoNotOccur() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    try broker.pushErrors(.produce, [KafkaError.Code.topicAuthorizationFailed])
    try broker.clearErrors(.produce)
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [1])
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func impossibleBrokersAndTopicsAreRefused() async throws {
    #expect(throws: KafkaError.self) { try EmbeddedBroker(brokers: 0) }
    let broker = try EmbeddedBroker()
    #expect(throws: KafkaError.self) { try broker.createTopic("", partitions: 1) }
    #expect(throws: KafkaError.self) { try broker.createTopic("t", partitions: 0) }
    try broker.createTopic("t", partitions: 1)
    #expect {
      try broker.createTopic("t", partitions: 1)
    } throws: {
      ($0 as? KafkaError)?.code == KafkaError.Code.topicAlreadyExists
    }
    #expect(throws: KafkaError.self) { try broker.setBroker(9, isUp: false) }
    await broker.close()
  }
}
