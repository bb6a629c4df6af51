package import AuditActions
import Dispatch
package import Kafka
package import Logging
import Synchronization

/// Knows the metadata of every queue: one thread reads the compacted topic from its beginning to its end and follows.
///
/// A record that breaks the contract (a key that names no queue, a value that is no ``QueueDocument``) is skipped,
/// counted (`strandline_queue_metadata_skipped_total`) and logged; what was known of the queue stays.
package final class QueueMetadataReader: Sendable {
  package typealias OnChange = @Sendable (_ queue: QueueAddress, _ document: QueueDocument?) -> Void

  let configuration: QueueMetadataConfiguration
  let consumer: KafkaConsumer
  let state: MetadataState
  private let onChange: OnChange
  private let onCaughtUp: @Sendable () -> Void
  private let logger: Logger
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Makes a reader, which does nothing before ``start()``.
  /// - Parameters:
  ///   - onChange: called on the reader's thread for every change, in the order of the topic, once lookups show it;
  ///     nil: the queue has no metadata any more. Must not block.
  ///   - onCaughtUp: called once, on the same thread, when the topic was read to its end.
  /// - Throws: `_INVALID_ARG` when librdkafka refuses the configuration.
  package init(
    configuration: QueueMetadataConfiguration, onChange: @escaping OnChange = { _, _ in },
    onCaughtUp: @escaping @Sendable () -> Void = {}, logger: Logger
  ) throws(KafkaError) {
    self.configuration = configuration
    self.onChange = onChange
    self.onCaughtUp = onCaughtUp
    self.logger = logger
    state = MetadataState(default: configuration.auditDefault)
    var kafka = configuration.kafka
    // Whoever changes something waits until it is read; not every broker answers a fetch as soon as a record comes.
    if kafka.properties["fetch.wait.max.ms"] == nil { kafka.properties["fetch.wait.max.ms"] = "100" }
    consumer = try KafkaConsumer(configuration: kafka, logger: logger)
  }

  /// Begins to read. Kafka need not be reachable: it is tried again for as long as it takes.
  package func start() {
    thread.withLock { thread in
      guard thread == nil, !state.isStopping else { return }
      thread = DedicatedThread(name: "queue-metadata") {
        [configuration, consumer, state, onChange, onCaughtUp, logger] in
        ReaderLoop(
          configuration: configuration, consumer: consumer, state: state, onChange: onChange, onCaughtUp: onCaughtUp,
          logger: logger
        ).run()
      }
    }
  }

  /// Ends reading. What was read stays known. May be called more than once.
  package func close() async {
    state.stop()
    consumer.wakeUp()
    if let thread = thread.withLock({ $0 }) { await thread.join() }
    await consumer.close()
  }

  // MARK: What is known

  /// Whether the topic was read to its end once: before, nothing can be said of any queue.
  package var isCaughtUp: Bool { state.contents.withLock { $0.isCaughtUp } }

  /// The queue's metadata; nil when it has none, or before it is read.
  package func entry(of queue: QueueAddress) -> QueueEntry? { state.contents.withLock { $0.entries[queue] } }

  /// What is kept of each queue, as of now; nil before the topic was read to its end.
  package var policies: QueuePolicies? { state.contents.withLock { $0.isCaughtUp ? $0.policies : nil } }

  /// Whether actions of a queue are kept, be it of some types only. Nil before the topic was read to its end.
  package func isAudited(_ queue: QueueAddress) -> Bool? {
    state.contents.withLock { contents in
      contents.isCaughtUp ? contents.policies.policy(of: queue).isAudited : nil
    }
  }

  package var status: QueueMetadataStatus {
    state.contents.withLock {
      QueueMetadataStatus(
        isCaughtUp: $0.isCaughtUp, queues: $0.entries.count, skipped: $0.skipped, failure: $0.failure)
    }
  }

  // MARK: Waiting

  /// Waits until everything before these offsets, by partition, is read; false when the time has passed first.
  func read(upTo offsets: [Int32: Int64], within timeout: Duration) async -> Bool {
    await state.waitFor(offsets, within: timeout)
  }

  /// The partitions that are read.
  var places: [TopicPartition] {
    state.contents.withLock { $0.partitions }.map { TopicPartition(topic: configuration.topic, partition: $0) }
  }
}

/// What a reader says of itself to readiness checks and operators.
package struct QueueMetadataStatus: Sendable, Equatable {
  package var isCaughtUp: Bool
  /// Queues that have metadata.
  package var queues: Int
  /// Records that broke the contract.
  package var skipped: UInt64
  /// Why the topic cannot be read, while it cannot.
  package var failure: String?
}
