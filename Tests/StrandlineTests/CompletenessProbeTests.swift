import Dispatch
import FeedServer
import Kafka
import Logging
import Synchronization
import Testing

@testable import strandline

@Suite("Vouching for an empty page")
struct CompletenessProbeTests {
  /// A broker with one partition, and a store that is only a number.
  final class World: Sendable {
    let broker: EmbeddedBroker
    let producer: KafkaProducer
    let stored = Mutex<Int64>(0)
    let uncompared = Mutex<[Int32]>([])
    let now = Mutex<Int64>(1_000_000)

    init() throws {
      broker = try EmbeddedBroker()
      try broker.createTopic("t", partitions: 1)
      producer = try KafkaProducer(configuration: broker.configuration)
    }

    /// Blocks until Kafka has one more record.
    func write() {
      let done = DispatchSemaphore(value: 0)
      try? producer.send(topic: "t", partition: 0, key: nil, value: [1]) { _ in done.signal() }
      done.wait()
    }

    func probe(nextOffset: (@Sendable () -> Int64)? = nil) throws -> CompletenessProbe {
      let settings = try Settings.load(
        from: .init(flags: ["topic": "t", "staleness-bound": "5"], readFile: { _ in "" }))
      var configuration = try NodeConfiguration(settings)
      configuration.kafka = broker.configuration
      return CompletenessProbe(
        configuration: configuration,
        progress: .init(
          partitions: { [0] }, uncomparedPartitions: { [self] in uncompared.withLock { $0 } },
          nextOffset: { [self] _ in nextOffset?() ?? stored.withLock { $0 } },
          nowMilliseconds: { [self] in now.withLock { $0 } }, wallMilliseconds: { $0 }), logger: Logger(label: "test"))
    }
  }

  private func wait(until condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
    #expect(condition())
  }

  private func isComplete(_ currency: FeedCurrency) -> Bool {
    currency.behind == nil
  }

  @Test("the store is complete once it has what Kafka had, and only within the bound from then on")
  func bound() async throws {
    let world = try World()
    world.write()
    let probe = try world.probe()
    #expect(!isComplete(probe.currency()))
    let running = Task { try await probe.run() }
    try await wait { probe.currency().behind?.detail == "1 records are still to be stored" }
    world.stored.withLock { $0 = 1 }
    try await wait { probe.currency() == FeedCurrency(completeThroughMilliseconds: 1_000_000) }
    running.cancel()
    _ = await running.result
    world.now.withLock { $0 = 1_005_000 }
    #expect(probe.currency() == FeedCurrency(completeThroughMilliseconds: 1_000_000))
    world.now.withLock { $0 = 1_005_001 }
    #expect(!isComplete(probe.currency()))
    await world.broker.close()
  }

  @Test("a topic that never stops growing does not keep the store from being complete")
  func growing() async throws {
    let world = try World()
    // Whenever the store is asked, it is ahead of what Kafka has said before.
    let written = Mutex<Int64>(0)
    let probe = try world.probe(nextOffset: {
      world.write()
      return written.withLock {
        $0 += 1
        return $0
      }
    })
    let running = Task { try await probe.run() }
    try await wait { isComplete(probe.currency()) }
    running.cancel()
    _ = await running.result
    await world.broker.close()
  }

  @Test("a topic that ends before what is stored is not vouched for")
  func madeAnew() async throws {
    let world = try World()
    world.stored.withLock { $0 = 7 }
    let probe = try world.probe()
    let running = Task { try await probe.run() }
    try await wait {
      probe.currency().behind?.detail.contains("made anew") ?? false
    }
    running.cancel()
    _ = await running.result
    await world.broker.close()
  }
}
