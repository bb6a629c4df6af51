import Foundation
import Kafka
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct GroupTests {
  private let topic = "grouped"
  private var partitions: [TopicPartition] { (0..<4).map { TopicPartition(topic: topic, partition: $0) } }

  @Test func aMemberGetsAllPartitionsAndSharesThemWithTheNext() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 4)
    // The embedded broker lets a rebalance take the whole session timeout.
    let configuration = KafkaConfiguration(
      bootstrapServers: broker.bootstrapServers,
      properties: ["session.timeout.ms": "3000", "heartbeat.interval.ms": "100"])
    let first = try KafkaConsumer(configuration: configuration, group: ConsumerGroup(id: "g"))
    let second = try KafkaConsumer(configuration: configuration, group: ConsumerGroup(id: "g"))
    let stop = Atomic<Bool>(false)
    let revoked = Mutex<[TopicPartition]>([])
    let callbacks = RebalanceCallbacks(
      assigned: { $0.reduce(into: [:]) { $0[$1] = .beginning } },
      revoked: { partitions, lost in if !lost { revoked.withLock { $0 += partitions } } })
    let threads = [first, second].map { consumer in
      DedicatedThread(name: "test-poll") {
        while !stop.load(ordering: .relaxed), (try? consumer.poll(maxRecords: 10, timeout: .milliseconds(50))) != nil {}
      }
    }
    try first.subscribe(topics: [topic], callbacks: callbacks)
    await until { (try? first.assignment().sorted()) == partitions }
    #expect(try first.assignment().sorted() == partitions)
    try second.subscribe(topics: [topic], callbacks: callbacks)
    await until { (try? first.assignment().count) == 2 && (try? second.assignment().count) == 2 }
    #expect(try (first.assignment() + second.assignment()).sorted() == partitions)
    #expect(revoked.withLock { $0.count } >= 2)

    // One leaves; the other gets everything back.
    await second.close()
    await until { (try? first.assignment().sorted()) == partitions }
    #expect(try first.assignment().sorted() == partitions)
    stop.store(true, ordering: .relaxed)
    for thread in threads { await thread.join() }
    await first.close()
    await broker.close()
  }

  @Test func aMemberGoesOnWhereTheGroupHasCommitted() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    for number in 0..<10 { _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [UInt8(number)]) }
    let partition = partitions[0]
    let first = try KafkaConsumer(configuration: broker.configuration, group: ConsumerGroup(id: "g"))
    try first.assign([partition: .beginning])
    _ = try await read(10, from: first)
    let before = try await runOnOwnThread(name: "test") { () throws(KafkaError) in
      let before = try first.committed(of: [partition], timeout: .seconds(30))
      try first.commit([partition: 6], timeout: .seconds(30))
      return before
    }
    #expect(before == [partition: nil])
    await first.close()
    let second = try KafkaConsumer(configuration: broker.configuration, group: ConsumerGroup(id: "g"))
    let committed = try await runOnOwnThread(name: "test") { () throws(KafkaError) in
      try second.committed(of: [partition], timeout: .seconds(30))
    }
    #expect(committed == [partition: 6])
    try second.subscribe(topics: [topic])
    #expect(try await read(4, from: second).map(\.offset) == [6, 7, 8, 9])
    await second.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aStartNamedOnAssignmentWinsOverTheCommittedOffset() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    for number in 0..<5 { _ = try await producer.sendAcknowledged(topic: topic, key: nil, value: [UInt8(number)]) }
    let consumer = try KafkaConsumer(
      configuration: broker.configuration, group: ConsumerGroup(id: "g", instanceID: "node-1"))
    try consumer.subscribe(
      topics: [topic], callbacks: RebalanceCallbacks(assigned: { $0.reduce(into: [:]) { $0[$1] = .offset(3) } }))
    #expect(try await read(2, from: consumer).map(\.offset) == [3, 4])
    try consumer.unsubscribe()
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  @Test func aCommitWithoutACoordinatorEndsInTime() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(topic, partitions: 1)
    try broker.setBroker(-1, isUp: false)
    let consumer = try KafkaConsumer(configuration: broker.configuration, group: ConsumerGroup(id: "g"))
    await #expect {
      try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        try consumer.commit([TopicPartition(topic: "grouped", partition: 0): 1], timeout: .milliseconds(200))
      }
    } throws: {
      ($0 as? KafkaError)?.isRetriable == true
    }
    await consumer.close()
    await broker.close()
  }
}
