import ActionEmitter
import ActionStore
import AuditActions
import Foundation
import Kafka
import Synchronization
import Testing

/// The embedded broker's faults, of every kind and many at a time, under a whole node: in the end the feed serves what
/// the topic holds, record by record, and everything that was acknowledged is among it.
@Suite("When the brokers fail", .timeLimit(.minutes(10)))
struct BrokerFaultTests {
  private static let topic = "audit.actions"
  private static let partitions: Int32 = 3
  private static let brokers: Int32 = 3

  /// What the brokers may answer, retriable or not, besides cutting the connection.
  private static let codes: [EmbeddedBroker.Request: [Int32]] = [
    .fetch: [
      KafkaError.Code.notLeaderForPartition, KafkaError.Code.unknownTopicOrPartition, KafkaError.Code.requestTimedOut,
      KafkaError.Code.topicAuthorizationFailed, KafkaError.Code.transport, -1,
    ],
    .listOffsets: [
      KafkaError.Code.notLeaderForPartition, KafkaError.Code.requestTimedOut, KafkaError.Code.transport, -1,
    ],
    .metadata: [KafkaError.Code.requestTimedOut, KafkaError.Code.transport, -1],
    .produce: [
      KafkaError.Code.notLeaderForPartition, KafkaError.Code.notEnoughReplicas, KafkaError.Code.requestTimedOut,
      KafkaError.Code.topicAuthorizationFailed, KafkaError.Code.transport,
    ],
    .apiVersions: [KafkaError.Code.transport],
    .initProducerID: [KafkaError.Code.requestTimedOut, KafkaError.Code.transport],
  ]

  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  @Test("what they kept is stored and served, one by one", arguments: [1, 2, 3] as [UInt64])
  func faults(seed: UInt64) async throws {
    let broker = try EmbeddedBroker(brokers: Int(Self.brokers), logger: RealCluster.logger)
    try broker.createTopic(Self.topic, partitions: Self.partitions, replicationFactor: Self.brokers)
    let directory = FileManager.default.temporaryDirectory.appending(path: "strandline-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var kafka = broker.configuration
    // Faults are to come thick and fast, not one a minute.
    kafka.properties["reconnect.backoff.ms"] = "10"
    kafka.properties["reconnect.backoff.max.ms"] = "100"
    kafka.properties["retry.backoff.ms"] = "20"
    let node = try await FeedNode(cluster: kafka, topic: Self.topic, directory: directory)
    let queues = try (0..<5).map { try QueueAddress(project: "p", queue: "q\($0)") }

    let emission = Emission(kafka: kafka, topic: Self.topic, queues: queues)
    let emitting = Task { try await emission.run() }
    var dice = Dice(state: seed)
    for _ in 0..<60 {
      try Self.strike(broker, &dice)
      try await Task.sleep(for: .milliseconds(Int.random(in: 20...120, using: &dice)))
    }
    // All is well again: the brokers are up, errors forgotten, and every partition has a leader.
    for request in Self.codes.keys { try broker.clearErrors(request) }
    try broker.setRoundTripTime(.zero)
    for id in 1...Self.brokers { try broker.setBroker(id, isUp: true) }
    for partition in 0..<Self.partitions {
      try broker.setLeader(of: TopicPartition(topic: Self.topic, partition: partition), to: partition + 1)
    }
    emission.end()
    let acknowledged = try await emitting.value

    let kept = try await Self.contents(of: broker.configuration)
    for (partition, records) in kept {
      try await eventually("partition \(partition) stored") {
        (node.store.nextOffset(of: partition) ?? 0) >= Int64(records.count)
      }
    }
    #expect(acknowledged.count > 20, "too little got through to mean anything")
    for queue in queues {
      let inTopic = kept.values.flatMap { $0 }.filter { $0.key == queue.key }.map(\.body)
      let served = try await node.follow(queue, limit: 50).bodies
      #expect(served == inTopic, "seed \(seed), \(queue)")
      let missing = acknowledged.filter { $0.queue == queue && !served.contains($0.body) }
      #expect(missing.isEmpty, "seed \(seed): acknowledged and not served")
    }
    try await node.stop()
    await broker.close()
  }

  /// One thing that goes wrong, or is mended.
  private static func strike(_ broker: EmbeddedBroker, _ dice: inout Dice) throws {
    let id = Int32.random(in: 1...brokers, using: &dice)
    let partition = TopicPartition(topic: topic, partition: Int32.random(in: 0..<partitions, using: &dice))
    switch Int.random(in: 0..<8, using: &dice) {
    case 0: try broker.setBroker(id, isUp: false)
    case 1, 2: try broker.setBroker(id, isUp: true)
    case 3: try broker.setLeader(of: partition, to: id)
    case 4: try broker.setLeader(of: partition, to: nil)
    case 5: try broker.setRoundTripTime(.milliseconds(Int.random(in: 0...300, using: &dice)), broker: id)
    default:
      let requests = codes.keys.sorted { $0.rawValue < $1.rawValue }
      guard let request = requests.randomElement(using: &dice), let choice = codes[request] else { return }
      let count = Int.random(in: 1...5, using: &dice)
      try broker.pushErrors(request, (0..<count).compactMap { _ in choice.randomElement(using: &dice) })
    }
  }

  private struct Kept: Sendable {
    var key: String
    var body: String
  }

  /// What each partition holds, as a client that met no fault reads it.
  private static func contents(of configuration: KafkaConfiguration) async throws -> [Int32: [Kept]] {
    let consumer = try KafkaConsumer(configuration: configuration, logger: RealCluster.logger)
    let contents = try await runOnOwnThread(name: "contents") { () throws -> [Int32: [Kept]] in
      let places = (0..<partitions).map { TopicPartition(topic: topic, partition: $0) }
      let ends = try consumer.ends(of: places, timeout: .seconds(30))
      try consumer.assign(Dictionary(uniqueKeysWithValues: places.map { ($0, Start.beginning) }))
      var contents: [Int32: [Kept]] = [:]
      let deadline = ContinuousClock.now + .seconds(60)
      while contents.values.reduce(0, { $0 + $1.count }) < Int(ends.values.reduce(0, +)) {
        try #require(ContinuousClock.now < deadline, "the topic cannot be read to its end")
        for record in try consumer.poll(maxRecords: 1_000, timeout: .milliseconds(100)) {
          contents[record.partition, default: []].append(
            Kept(
              key: String(decoding: record.key ?? .init(start: nil, count: 0), as: UTF8.self),
              body: String(decoding: record.value ?? .init(start: nil, count: 0), as: UTF8.self)))
        }
      }
      return contents
    }
    await consumer.close()
    return contents
  }
}

/// A worker that emits one numbered action after the other, each acknowledged or given up.
private final class Emission: Sendable {
  struct Acknowledged: Sendable {
    var queue: QueueAddress
    var body: String
  }

  private let kafka: KafkaConfiguration
  private let topic: String
  private let queues: [QueueAddress]
  private let isEnding = Atomic(false)

  init(kafka: KafkaConfiguration, topic: String, queues: [QueueAddress]) {
    self.kafka = kafka
    self.topic = topic
    self.queues = queues
  }

  func end() { isEnding.store(true, ordering: .relaxed) }

  func run() async throws -> [Acknowledged] {
    var configuration = ActionEmitterConfiguration(kafka: kafka)
    configuration.topic = topic
    configuration.acknowledgementTimeout = .seconds(5)
    let emitter = try ActionEmitter(configuration: configuration, logger: RealCluster.logger)
    let acknowledged = await withTaskGroup(of: [Acknowledged].self) { group in
      for queue in queues {
        group.addTask { [self] in
          var acknowledged: [Acknowledged] = []
          var number = 0
          while !isEnding.load(ordering: .relaxed) {
            let body = "{\"event\":\"Numbered\",\"details\":{\"queue\":\"\(queue.queue)\",\"n\":\(number)}}"
            number += 1
            if (try? await emitter.emitAcknowledged(raw: RawAction(body: Array(body.utf8)), to: queue)) != nil {
              acknowledged.append(Acknowledged(queue: queue, body: body))
            }
          }
          return acknowledged
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    _ = await emitter.close(flushTimeout: .seconds(10))
    return acknowledged
  }
}
