import Foundation
import Kafka
import Synchronization
import Testing

/// Closing ends in every state of client and broker. The time limits only turn a hang into a failure.
@Suite(.timeLimit(.minutes(3))) struct ClosingTests {
  private static let topic = "closing"
  private let partition = TopicPartition(topic: topic, partition: 0)

  /// Places where no Kafka broker answers, each in its own way.
  enum Nowhere: String, CaseIterable, Sendable {
    case refusesConnections, acceptsAndStaysSilent, hasNoAddress
  }

  private func withServers(
    of place: Nowhere, _ body: (_ configuration: KafkaConfiguration) async throws -> Void
  ) async throws {
    let socket = try LoopbackSocket()
    switch place {
    case .refusesConnections:
      socket.close()
      try await body(KafkaConfiguration(bootstrapServers: "127.0.0.1:\(socket.port)"))
    case .acceptsAndStaysSilent:
      socket.listen()
      try await body(KafkaConfiguration(bootstrapServers: "127.0.0.1:\(socket.port)"))
      socket.close()
    case .hasNoAddress:
      socket.close()
      try await body(KafkaConfiguration(bootstrapServers: "strandline-test.invalid:9092"))
    }
  }

  @Test(arguments: Nowhere.allCases)
  func aProducerWithRecordsThatCannotBeDeliveredGivesThemUp(_ place: Nowhere) async throws {
    try await withServers(of: place) { configuration in
      let producer = try KafkaProducer(configuration: configuration)
      let reports = Mutex<[Result<RecordPosition, KafkaError>]>([])
      for _ in 0..<100 {
        try producer.send(topic: Self.topic, key: nil, value: [1]) { report in reports.withLock { $0.append(report) } }
      }
      let acknowledged = Task { try await producer.sendAcknowledged(topic: Self.topic, key: nil, value: [2]) }
      await until { producer.outstanding == 101 }
      #expect(await producer.flush(timeout: .milliseconds(50)) == 101)
      #expect(await producer.close(flushTimeout: .milliseconds(50)) == 101)
      await #expect(throws: KafkaError.self) { try await acknowledged.value }
      let codes = reports.withLock { $0.map { report in failureCode(report) } }
      #expect(codes == Array(repeating: KafkaError.Code.purgedFromQueue, count: 100))
    }
  }

  @Test(arguments: Nowhere.allCases)
  func aConsumerThatReadsByAssignmentCloses(_ place: Nowhere) async throws {
    try await withServers(of: place) { configuration in
      let consumer = try KafkaConsumer(configuration: configuration)
      try consumer.assign([partition: .beginning])
      _ = try await poll(consumer, .milliseconds(50))
      await consumer.close()
    }
  }

  @Test(arguments: Nowhere.allCases)
  func aConsumerThatJoinsAGroupCloses(_ place: Nowhere) async throws {
    try await withServers(of: place) { configuration in
      let consumer = try KafkaConsumer(configuration: configuration, group: ConsumerGroup(id: "g"))
      try consumer.subscribe(topics: [Self.topic])
      _ = try await poll(consumer, .milliseconds(50))
      await consumer.close()
    }
  }

  @Test(arguments: Nowhere.allCases)
  func anAdminClientEndsItsCallsWhenItCloses(_ place: Nowhere) async throws {
    try await withServers(of: place) { configuration in
      let admin = try KafkaAdmin(configuration: configuration)
      let answer = Task { try await admin.createTopic(Self.topic, timeout: .seconds(120)) }
      await admin.close()
      await #expect(throws: KafkaError.self) { try await answer.value }
    }
  }

  @Test func membersOfAGroupCloseWhileTheirBrokerIsDown() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 4)
    for instance in [nil, "static-1"] {
      try broker.setBroker(-1, isUp: true)
      let consumer = try KafkaConsumer(
        configuration: broker.configuration,
        group: ConsumerGroup(id: "g-\(instance ?? "dynamic")", instanceID: instance))
      try consumer.subscribe(
        topics: [Self.topic], callbacks: RebalanceCallbacks(assigned: { $0.reduce(into: [:]) { $0[$1] = .beginning } }))
      let joined = try await read(from: consumer) { $0.ends.count == 4 }
      #expect(joined.ends.count == 4)
      try broker.setBroker(-1, isUp: false)
      await consumer.close()
    }
    await broker.close()
  }

  @Test func aMemberClosesWhileItsBrokerTakesForEverToAnswer() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 1)
    let consumer = try KafkaConsumer(configuration: broker.configuration, group: ConsumerGroup(id: "slow"))
    try consumer.subscribe(
      topics: [Self.topic], callbacks: RebalanceCallbacks(assigned: { $0.reduce(into: [:]) { $0[$1] = .beginning } }))
    _ = try await read(from: consumer) { $0.ends.count == 1 }
    try broker.setRoundTripTime(.seconds(600))
    await consumer.close()
    #expect(throws: KafkaError.self) { try consumer.poll(maxRecords: 1, timeout: .zero) }
    await broker.close()
  }

  @Test func aProducerClosesWhileItsBrokerTakesForEverToAnswer() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(topic: Self.topic, key: nil, value: [1])
    // A record is outstanding until its callback has returned: a moment longer than its sender waits.
    await until { producer.outstanding == 0 }
    try broker.setRoundTripTime(.seconds(600))
    let acknowledged = Task { try await producer.sendAcknowledged(topic: Self.topic, key: nil, value: [2]) }
    await until { producer.outstanding == 1 }
    #expect(await producer.close(flushTimeout: .milliseconds(200)) == 1)
    await #expect(throws: KafkaError.self) { try await acknowledged.value }
    await broker.close()
  }

  @Test func aBlockedPollEndsWhenTheConsumerCloses() async throws {
    let broker = try EmbeddedBroker()
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    let isPolling = Mutex(false)
    let thread = DedicatedThread(name: "test-poll") {
      isPolling.withLock { $0 = true }
      while (try? consumer.poll(maxRecords: 10, timeout: .seconds(3600))) != nil {}
    }
    await until { isPolling.withLock { $0 } }
    await consumer.close()
    await thread.join()
    await broker.close()
  }

  @Test func wakeUpEndsABlockedPollEarly() async throws {
    let broker = try EmbeddedBroker()
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    for _ in 0..<20 {
      async let batch = poll(consumer, .seconds(3600))
      consumer.wakeUp()
      #expect(try await batch.isEmpty)
    }
    await consumer.close()
    consumer.wakeUp()
    await broker.close()
  }

  @Test func everyCallAfterCloseThrowsAClearError() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    let consumer = try KafkaConsumer(configuration: broker.configuration, group: ConsumerGroup(id: "g"))
    let admin = try KafkaAdmin(configuration: broker.configuration)
    await producer.close(flushTimeout: .zero)
    await producer.close(flushTimeout: .zero)
    await consumer.close()
    await consumer.close()
    await admin.close()
    await broker.close()
    await broker.close()

    let closed: @Sendable (any Error) -> Bool = { ($0 as? KafkaError)?.code == KafkaError.Code.closed }
    #expect(performing: { try producer.send(topic: Self.topic, key: nil, value: nil) }, throws: closed)
    await #expect(
      performing: { try await producer.sendAcknowledged(topic: Self.topic, key: nil, value: nil) }, throws: closed)
    #expect(await producer.flush(timeout: .seconds(1)) == 0)
    #expect(await producer.close(flushTimeout: .seconds(Int64.max)) == 0)
    #expect(performing: { try consumer.poll(maxRecords: 1, timeout: .zero) }, throws: closed)
    #expect(performing: { try consumer.assign([:]) }, throws: closed)
    #expect(performing: { try consumer.subscribe(topics: ["t"]) }, throws: closed)
    #expect(performing: { try consumer.pause([partition]) }, throws: closed)
    #expect(performing: { try consumer.seek([partition: .end]) }, throws: closed)
    #expect(performing: { try consumer.commit([partition: 1]) }, throws: closed)
    #expect(performing: { try consumer.watermarks(of: partition, timeout: .seconds(1)) }, throws: closed)
    #expect(performing: { try consumer.lag(of: partition) }, throws: closed)
    await #expect(performing: { try await admin.metadata() }, throws: closed)
    #expect(performing: { try broker.createTopic("other", partitions: 1) }, throws: closed)
  }

  @Test func aBatchOutlivesItsConsumer() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(topic: Self.topic, key: Array("k".utf8), value: Array("kept".utf8))
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([partition: .beginning])
    var held: ConsumedRecord?
    await until {
      held = try? await poll(consumer, .seconds(1)).first
      return held != nil
    }
    await consumer.close()
    let record = try #require(held)
    #expect(record.value.map { String(decoding: $0, as: UTF8.self) } == "kept")
    #expect(record.topic == Self.topic)
    held = nil
    await producer.close(flushTimeout: .seconds(5))
    await broker.close()
  }

  @Test func clientsMayBeClosedWhileManyThreadsUseThem() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic(Self.topic, partitions: 4)
    for _ in 0..<5 {
      let producer = try KafkaProducer(configuration: broker.configuration)
      let consumer = try KafkaConsumer(configuration: broker.configuration)
      try consumer.assign([partition: .beginning])
      let reports = Atomic<Int>(0)
      let accepted = Atomic<Int>(0)
      let started = Atomic<Int>(0)
      let threads = (0..<4).map { number in
        DedicatedThread(name: "test-user-\(number)") {
          started.add(1, ordering: .relaxed)
          do throws(KafkaError) {
            while true {
              try producer.send(topic: Self.topic, key: [UInt8(number)], value: [1, 2, 3]) { _ in
                reports.add(1, ordering: .relaxed)
              }
              accepted.add(1, ordering: .relaxed)
              _ = try? consumer.cachedWatermarks(of: TopicPartition(topic: Self.topic, partition: 0))
            }
          } catch {
            if error.code != KafkaError.Code.closed, error.code != KafkaError.Code.queueFull {
              Issue.record("unexpected: \(error)")
            }
          }
        }
      }
      let poller = DedicatedThread(name: "test-poll") {
        started.add(1, ordering: .relaxed)
        while (try? consumer.poll(maxRecords: 100, timeout: .milliseconds(10))) != nil {}
      }
      await until { started.load(ordering: .relaxed) == 5 && accepted.load(ordering: .relaxed) > 1000 }
      async let undelivered = producer.close(flushTimeout: .milliseconds(20))
      async let closed: Void = consumer.close()
      _ = await (undelivered, closed)
      for thread in threads { await thread.join() }
      await poller.join()
      await until { reports.load(ordering: .relaxed) == accepted.load(ordering: .relaxed) }
      #expect(reports.load(ordering: .relaxed) == accepted.load(ordering: .relaxed))
    }
    await broker.close()
  }

  @Test func aProducerThatIsDroppedWithoutCloseStillReportsEveryRecord() async throws {
    let socket = try LoopbackSocket()
    socket.close()
    let reports = Atomic<Int>(0)
    do {
      let producer = try KafkaProducer(configuration: KafkaConfiguration(bootstrapServers: "127.0.0.1:\(socket.port)"))
      for _ in 0..<10 {
        try producer.send(topic: Self.topic, key: nil, value: [1]) { _ in reports.add(1, ordering: .relaxed) }
      }
    }
    await until { reports.load(ordering: .relaxed) == 10 }
    #expect(reports.load(ordering: .relaxed) == 10)
  }

  private func poll(_ consumer: KafkaConsumer, _ timeout: Duration) async throws -> ConsumedBatch {
    try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
      try consumer.poll(maxRecords: 100, timeout: timeout)
    }
  }
}
