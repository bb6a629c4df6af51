import ActionEmitter
import AuditActions
import Kafka
import Synchronization
import Testing

@Suite("Emitters while a queue's audit is switched, on a real cluster")
struct EmitterSwitchTests {
  private final class Attempts: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
  }

  @Test("off and on under load: every emitter follows, and emitted, skipped and refused are all attempts")
  func underLoad() async throws {
    let cluster = try RealCluster()
    let metadata = try RealCluster()
    try await metadata.withTopic(partitions: 1, configuration: ["cleanup.policy": "compact"]) { queuesTopic in
      try await cluster.withTopic(partitions: 1) { topic in
        let orders = try QueueAddress(project: "p", queue: "orders")
        let emitters = try (0..<3).map { _ in
          var configuration = ActionEmitterConfiguration(kafka: cluster.configuration)
          configuration.topic = topic
          configuration.queuesTopic = queuesTopic
          configuration.outstandingActionsMax = 500
          return try ActionEmitter(configuration: configuration, logger: RealCluster.logger)
        }
        try await eventually("all emitters know what queues say") { emitters.allSatisfy(\.knowsQueues) }
        let attempts = Attempts()
        let workers = Task {
          await withTaskGroup { group in
            for emitter in emitters {
              group.addTask {
                let queue = emitter.queue(orders)
                while !Task.isCancelled {
                  for _ in 0..<50 {
                    attempts.add()
                    queue.emit(.claimExpired) { ["n": .integer(attempts.value)] }
                  }
                  try? await Task.sleep(for: .milliseconds(1))
                }
              }
            }
          }
        }
        let producer = try KafkaProducer(configuration: cluster.configuration, logger: RealCluster.logger)
        for round in 0..<6 {
          let isOn = !round.isMultiple(of: 2)
          _ = try await producer.sendAcknowledged(
            topic: queuesTopic, key: Array(orders.key.utf8), value: Array(#"{"audit":{"enabled":\#(isOn)}}"#.utf8))
          try await eventually("the change, at every emitter") {
            emitters.allSatisfy { $0.queue(orders).wants(.claimExpired) == isOn }
          }
          let before = emitters.map(\.counters)
          try await eventually("actions as the change has it") {
            zip(emitters.map(\.counters), before).allSatisfy { now, before in
              isOn ? now.delivered > before.delivered : now.skippedInAll > before.skippedInAll
            }
          }
        }
        workers.cancel()
        await workers.value
        var (all, delivered) = (0, 0)
        for emitter in emitters {
          let counters = await emitter.close(flushTimeout: .seconds(60)).counters
          all += counters.emitted + counters.skippedInAll + counters.refusedInAll
          delivered += counters.delivered
          #expect(counters.emitted == counters.delivered)
          #expect(Array(counters.skipped.keys) == [.queue])
        }
        #expect(all == attempts.value)
        await producer.close(flushTimeout: .seconds(5))
        let consumer = try KafkaConsumer(configuration: cluster.configuration, logger: RealCluster.logger)
        let end = try await runOnOwnThread(name: "test-end") { () throws(KafkaError) in
          try consumer.watermarks(of: TopicPartition(topic: topic, partition: 0), timeout: .seconds(60)).high
        }
        await consumer.close()
        #expect(Int(end) == delivered)
      }
    }
  }
}
