import Dispatch
import FeedServer
import Foundation
import Kafka
import Logging
import ServiceLifecycle
import Synchronization

/// Finds out up to which moment the store has everything Kafka had, so that an empty page can be vouched for.
///
/// It notes the time, asks the brokers for the end of every partition, and waits until the store has come that far: then
/// the store was complete through the time noted, whatever has been written since. It asks Kafka itself rather than to
/// believe what the last fetch said, because a connection that is silently cut off looks like a topic without news.
final class CompletenessProbe: Service {
  /// Between two rounds of questions.
  static let intervalMilliseconds = 500
  /// How long the ends of all partitions are waited for, and so how long a shutdown may have to wait for the question
  /// under way.
  static let questionTimeout: Duration = .seconds(3)

  private struct State {
    var completeThroughMilliseconds: Int64?
    var detail = "the node has not read the topic yet"
  }

  private let topic: String
  private let kafka: KafkaConfiguration
  private let boundMilliseconds: Int64
  private let progress: Progress
  private let logger: Logger
  private let state = Mutex(State())
  private let isStopped = Atomic(false)
  private let wake = DispatchSemaphore(value: 0)

  /// What it has to know of ingest and store.
  struct Progress: Sendable {
    /// The partitions that are read; empty while they are not known.
    var partitions: @Sendable () -> [Int32]
    /// Those of which it is not known that they go on where the store stands: nothing can be said of them.
    var uncomparedPartitions: @Sendable () -> [Int32]
    /// The first offset of a partition that is not stored.
    var nextOffset: @Sendable (Int32) -> Int64?
    /// The store's time, and what the wall clock shows at one of its moments.
    var nowMilliseconds: @Sendable () -> Int64
    var wallMilliseconds: @Sendable (Int64) -> Int64
  }

  init(configuration: NodeConfiguration, progress: Progress, logger: Logger) {
    topic = configuration.topic
    kafka = configuration.kafka
    boundMilliseconds = Int64(configuration.stalenessBoundSeconds) * 1_000
    self.progress = progress
    self.logger = logger
  }

  /// What an empty page may say now.
  func currency() -> FeedCurrency {
    let (through, detail) = state.withLock { ($0.completeThroughMilliseconds, $0.detail) }
    guard let through else {
      return FeedCurrency(
        completeThroughMilliseconds: nil, behind: .init(detail: detail, retryAfterSeconds: 1))
    }
    var currency = FeedCurrency(completeThroughMilliseconds: progress.wallMilliseconds(through))
    let age = progress.nowMilliseconds() - through
    if age > boundMilliseconds {
      currency.behind = .init(
        detail: "the node has read the topic up to \(age / 1_000) s ago only"
          + (detail.isEmpty ? "" : ": \(detail)"),
        retryAfterSeconds: age > 60_000 ? 5 : 1)
    }
    return currency
  }

  /// Waits until the store was complete once, or the time has passed.
  func firstCompletion(within timeout: Duration) async throws {
    let deadline = ContinuousClock.now + timeout
    while state.withLock({ $0.completeThroughMilliseconds == nil }), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  func run() async throws {
    let consumer = try KafkaConsumer(configuration: kafka, logger: logger)
    let thread = DedicatedThread(name: "completeness") { [self] in
      while !isStopped.load(ordering: .acquiring) {
        round(consumer)
        pause(milliseconds: Self.intervalMilliseconds)
      }
    }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await thread.join()
      } onGracefulShutdown: { [self] in
        stop()
      }
    } onCancel: { [self] in
      stop()
    }
    await consumer.close()
  }

  private func stop() {
    isStopped.store(true, ordering: .releasing)
    wake.signal()
  }

  private func pause(milliseconds: Int) {
    if wake.wait(timeout: .now() + .milliseconds(milliseconds)) == .success { wake.signal() }
  }

  /// One moment, and the wait until the store has all of it. Blocks.
  private func round(_ consumer: KafkaConsumer) {
    let moment = progress.nowMilliseconds()
    let partitions = progress.partitions()
    guard !partitions.isEmpty else { return note("the topic's partitions are not known yet") }
    do throws(KafkaError) {
      // Actions may be on a partition that was just added.
      let unread = Set(try consumer.partitions(of: topic, timeout: Self.questionTimeout)).subtracting(partitions)
      if let partition = unread.min() { return note("partition \(partition) was added and is not read yet") }
    } catch {
      return note("Kafka does not tell the partitions of the topic (\(error.name))")
    }
    // Read before the brokers are asked: what is stored while they answer is no sign of another topic.
    let stored = Dictionary(
      partitions.map { ($0, progress.nextOffset($0) ?? 0) }, uniquingKeysWith: { first, _ in first })
    var ends: [Int32: Int64] = [:]
    do throws(KafkaError) {
      let places = partitions.map { TopicPartition(topic: topic, partition: $0) }
      for (place, end) in try consumer.ends(of: places, timeout: Self.questionTimeout) { ends[place.partition] = end }
    } catch {
      return note("Kafka does not tell where the topic ends (\(error.name))")
    }
    // A topic that ends before what is stored is not the one that was read: nothing can be vouched for.
    for (partition, end) in ends where end < stored[partition] ?? 0 {
      return note("partition \(partition) ends at \(end), before what is stored: was the topic made anew?")
    }
    while !isStopped.load(ordering: .acquiring) {
      ends = ends.filter { end in end.value > (progress.nextOffset(end.key) ?? 0) }
      if ends.isEmpty {
        if let partition = progress.uncomparedPartitions().first {
          note("partition \(partition) is compared with what is stored")
          pause(milliseconds: 20)
          continue
        }
        // What is to be said should nothing be heard of Kafka from here on.
        return state.withLock {
          $0 = State(completeThroughMilliseconds: moment, detail: "Kafka has not answered since")
        }
      }
      let missing = ends.reduce(Int64(0)) { $0 + max(0, $1.value - (progress.nextOffset($1.key) ?? 0)) }
      note("\(missing) records are still to be stored")
      pause(milliseconds: 20)
    }
  }

  private func note(_ detail: String) { state.withLock { $0.detail = detail } }
}
