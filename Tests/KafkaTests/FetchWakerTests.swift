import Foundation
import Logging
import Synchronization
import Testing

@testable import Kafka

@Suite(.timeLimit(.minutes(3))) struct FetchWakerTests {
  private static let many = FetchWaker.backlogRecordsMin

  /// What a waker has asked for; each answer comes when the test says so.
  private final class Asked: Sendable {
    let partitions = Mutex<[TopicPartition]>([])
    let mayAnswer = DispatchSemaphore(value: 0)

    func waker() -> FetchWaker {
      FetchWaker { partition in
        self.partitions.withLock { $0.append(partition) }
        self.mayAnswer.wait()
      }
    }

    var count: Int { partitions.withLock { $0.count } }
  }

  private func note(_ waker: FetchWaker, _ queued: Int, broker: Int32 = 1, partition: Int32 = 0) {
    waker.note(queued: queued, broker: broker, partition: partition) { "t" }
  }

  @Test func whenHalfOfABacklogIsReadEachBrokerIsAskedOnce() async {
    let asked = Asked()
    let waker = asked.waker()
    note(waker, Self.many, broker: 1, partition: 0)
    note(waker, Self.many * 3 / 4, broker: 2, partition: 1)
    note(waker, Self.many / 2, broker: 1, partition: 2)
    #expect(asked.count == 0, "half is still there")
    note(waker, Self.many / 2 - 1, broker: 1, partition: 2)
    // Who is being asked is not asked again, whatever came and was read in the meantime.
    note(waker, Self.many * 2)
    note(waker, 0)
    asked.mayAnswer.signal()
    await until { asked.count == 2 }
    asked.mayAnswer.signal()
    #expect(
      Set(asked.partitions.withLock { $0 })
        == [TopicPartition(topic: "t", partition: 2), TopicPartition(topic: "t", partition: 1)])
    // The next backlog, once the answers are there.
    await until {
      note(waker, Self.many * 2)
      note(waker, Self.many - 1)
      return asked.count > 2
    }
    #expect(asked.count > 2)
    for _ in 0..<100 { asked.mayAnswer.signal() }
    waker.end()
  }

  @Test func whatIsNoBacklogAsksForNothing() async {
    let asked = Asked()
    let waker = asked.waker()
    note(waker, Self.many - 1, broker: 2, partition: 1)
    note(waker, 0, broker: 2, partition: 1)
    // A backlog behind it, so that there is something to wait for.
    note(waker, Self.many, broker: 1, partition: 0)
    note(waker, 0, broker: 1, partition: 0)
    asked.mayAnswer.signal()
    asked.mayAnswer.signal()
    await until { asked.count > 0 }
    #expect(asked.partitions.withLock { $0 } == [TopicPartition(topic: "t", partition: 0)])
    waker.end()
  }

  /// librdkafka itself asks for no offsets when it is told where to begin.
  @Test func aConsumerThatReadsABacklogWakesItsBroker() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("backlog", partitions: 1)
    // Whole batches come at once: more than a backlog's records in the first.
    var large = broker.configuration
    large.properties.merge(["linger.ms": "1000", "batch.num.messages": "20000"]) { $1 }
    let producer = try KafkaProducer(configuration: large)
    let lines = RecordedLines()
    let logger = Logger(label: "test") { _ in
      var handler = RecordingLogHandler(lines: lines)
      handler.logLevel = .trace
      return handler
    }
    var traced = broker.configuration
    traced.properties["debug"] = "protocol"
    let consumer = try KafkaConsumer(configuration: traced, logger: logger)
    try consumer.assign([TopicPartition(topic: "backlog", partition: 0): .offset(0)])
    func hasAsked() -> Bool { lines.all.contains { $0.text.contains("Sent ListOffsets") } }
    let deadline = ContinuousClock.now + patience
    // As often as it takes until a poll has seen a whole batch in the queue.
    while !hasAsked(), ContinuousClock.now < deadline {
      for _ in 0..<20_000 { try producer.send(topic: "backlog", key: nil, value: [1]) }
      #expect(await producer.flush(timeout: patience) == 0)
      #expect(try await read(20_000, from: consumer).count == 20_000)
    }
    #expect(hasAsked())
    #expect(await producer.close(flushTimeout: patience) == 0)
    await consumer.close()
    await broker.close()
  }
}
