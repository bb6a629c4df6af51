import ActionEmitter
import AuditActions
import Kafka
import Testing

@Suite("Following the metadata of queues")
struct FollowedQueuesTests {
  private static let topic = "audit.queues"
  let broker: EmbeddedBroker
  let producer: KafkaProducer
  let orders: QueueAddress

  init() throws {
    broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    try broker.createTopic(Self.topic, partitions: 1)
    producer = try KafkaProducer(configuration: broker.configuration, logger: quiet)
    orders = try QueueAddress(project: "p", queue: "orders")
  }

  private func makeEmitter(_ change: (inout ActionEmitterConfiguration) -> Void = { _ in }) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.queuesTopic = Self.topic
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  private func declare(_ queue: QueueAddress, _ document: String?) async throws {
    _ = try await producer.sendAcknowledged(
      topic: Self.topic, key: Array(queue.key.utf8), value: document.map { Array($0.utf8) })
  }

  @Test("What queues say holds for every emitter once it was read, and until then everything is sent")
  func holds() async throws {
    try await declare(orders, #"{"audit":{"enabled":true,"events":["ClaimExpired"]}}"#)
    let emitter = try makeEmitter()
    let queue = emitter.queue(orders)
    let mail = emitter.queue(try QueueAddress(project: "p", queue: "mail"))
    #expect(await eventually { emitter.knowsQueues })
    #expect(queue.wants(.claimExpired) && !queue.wants(.messageDeleted) && mail.wants(.messageDeleted))
    #expect(queue.emit(.messageDeleted) { .empty } == .skipped(.queue))
    #expect(emitter.emit(.messageDeleted(messageID: "m"), to: orders) == .skipped(.queue))
    try await declare(orders, nil)
    #expect(await eventually { queue.wants(.messageDeleted) })
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.skipped == [.queue: 2])
    await producer.close(flushTimeout: .seconds(1))
  }

  @Test("An emitter may take for unwanted what nobody has asked for")
  func declared() async throws {
    let emitter = try makeEmitter { $0.queueDefault = .declared }
    let queue = emitter.queue(orders)
    #expect(queue.wants(.claimExpired) || emitter.knowsQueues)
    #expect(await eventually { emitter.knowsQueues })
    #expect(!queue.wants(.claimExpired))
    try await declare(orders, #"{"audit":{"enabled":true}}"#)
    #expect(await eventually { queue.wants(.claimExpired) })
    await emitter.close(flushTimeout: .seconds(20))
    await producer.close(flushTimeout: .seconds(1))
  }

  @Test("Switched off and on under load, emitters skip and send, and every attempt is accounted for")
  func underLoad() async throws {
    let emitters = try (0..<2).map { _ in try makeEmitter { $0.outstandingActionsMax = 200 } }
    for emitter in emitters { #expect(await eventually { emitter.knowsQueues }) }
    let (attempts, made) = (Tally(), Tally())
    let workers = Task {
      await withTaskGroup { group in
        for emitter in emitters {
          for worker in 0..<2 {
            group.addTask {
              let queue = emitter.queue(orders)
              var number = 0
              while !Task.isCancelled {
                number += 1
                attempts.add()
                if number.isMultiple(of: 2) {
                  queue.emit(.claimExpired) {
                    made.add()
                    return ["worker": .integer(worker), "n": .integer(number)]
                  }
                } else {
                  emitter.emit(.claimReleased(claimID: "k"), to: orders)
                }
                await Task.yield()
              }
            }
          }
        }
      }
    }
    for round in 0..<4 {
      let isOn = !round.isMultiple(of: 2)
      try await declare(orders, #"{"audit":{"enabled":\#(isOn)}}"#)
      for emitter in emitters {
        let queue = emitter.queue(orders)
        #expect(await eventually { queue.wants(.claimExpired) == isOn })
        let before = emitter.counters
        #expect(
          await eventually {
            let now = emitter.counters
            return isOn ? now.emitted > before.emitted : now.skippedInAll > before.skippedInAll
          })
      }
    }
    workers.cancel()
    await workers.value
    var (all, emitted, delivered) = (0, 0, 0)
    for emitter in emitters {
      let counters = await emitter.close(flushTimeout: .seconds(60)).counters
      all += counters.emitted + counters.skippedInAll + counters.refusedInAll
      emitted += counters.emitted
      delivered += counters.delivered
      #expect(Set(counters.skipped.keys) == [.queue])
      #expect(Set(counters.refused.keys).isSubset(of: [.queueFull]))
    }
    #expect(all == attempts.value)
    #expect(delivered == emitted)
    #expect(made.value < attempts.value)
    await producer.close(flushTimeout: .seconds(1))
  }
}
