import Dispatch
import Kafka
import Synchronization

/// What the archive job says of itself to readiness checks, operators and the end of `--once`.
package struct ArchiveStatus: Sendable {
  package struct Partition: Sendable, Equatable {
    /// Offsets before this one are durable in the store; nil while that is not known.
    package var archived: Int64?
    /// Where the partition ends, as last heard.
    package var end: Int64?
    /// Records that are not archived yet, at most.
    package var lag: Int64? { end.flatMap { end in archived.map { max(0, end - $0) } } }
    /// Time of the oldest record that was read and is not durable, in milliseconds since 1970.
    package var oldestUnarchivedMilliseconds: Int64?
    /// Why the store does not take it now; it is tried again.
    package var failure: String?
    /// Why it is not archived any more.
    package var stop: ArchiveStop?
  }

  /// Of the partitions this process has.
  package var partitions: [Int32: Partition] = [:]
  /// Why Kafka cannot be read, while it cannot.
  package var kafkaFailure: String?
  /// Why the store cannot be used at all, while it cannot.
  package var storeFailure: String?
  /// The topic's `retention.ms`; nil when it is not known or there is none.
  package var retentionMilliseconds: Int64?
  package var objects: UInt64 = 0
  package var manifests: UInt64 = 0
  package var actions: UInt64 = 0
  package var rejected: UInt64 = 0
  package var lostOffsets: UInt64 = 0

  /// Milliseconds until the topic's retention removes the oldest record that was read and is not archived; nil when
  /// nothing waits or retention is not known.
  package func timeToLossMilliseconds(nowMilliseconds: Int64) -> Int64? {
    guard let retentionMilliseconds,
      let oldest = partitions.values.compactMap(\.oldestUnarchivedMilliseconds).min()
    else { return nil }
    let (end, overflow) = oldest.addingReportingOverflow(retentionMilliseconds)
    return overflow ? nil : end - nowMilliseconds
  }
}

/// What the thread and its observers share.
final class ArchiveState: Sendable {
  struct Message: Sendable {
    let place: TopicPartition
    let generation: UInt64
    let event: PartitionUploads.Event
  }

  enum Rebalance: Sendable {
    case assigned([TopicPartition])
    case revoked([TopicPartition])
  }

  let status = Mutex(ArchiveStatus())
  private let messages = Mutex<[Message]>([])
  private let rebalances = Mutex<[Rebalance]>([])
  private let isStopped = Atomic(false)
  private let news = DispatchSemaphore(value: 0)

  var isStopping: Bool { isStopped.load(ordering: .acquiring) }

  func update(_ change: (inout ArchiveStatus) -> Void) { status.withLock { change(&$0) } }

  /// Ends every wait, now and later.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    news.signal()
  }

  func post(_ message: Message) {
    messages.withLock { $0.append(message) }
    news.signal()
  }

  func takeMessages() -> [Message] {
    messages.withLock { messages in
      defer { messages = [] }
      return messages
    }
  }

  func post(_ rebalance: Rebalance) { rebalances.withLock { $0.append(rebalance) } }

  func takeRebalances() -> [Rebalance] {
    rebalances.withLock { rebalances in
      defer { rebalances = [] }
      return rebalances
    }
  }

  /// Blocks the calling thread, which must be one of our own, until there are messages, a stop, or the time has passed.
  func wait(milliseconds: Int) { _ = news.wait(timeout: .now() + .milliseconds(milliseconds)) }
}
