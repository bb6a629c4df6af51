import Dispatch
import Synchronization

/// What ingest says of itself to readiness checks and operators.
package struct IngestStatus: Sendable {
  package enum Connection: Sendable, Equatable {
    case connecting
    case connected
    /// Kafka cannot be reached or refuses: why.
    case lost(String)
  }

  /// How far the rebuild of an empty store has come.
  package struct Rebuild: Sendable, CustomStringConvertible {
    /// Where each partition that had records ended when the rebuild began.
    package var ends: [Int32: Int64] = [:]
    /// Offsets to read in all, and those still to be read.
    package var total: Int64 = 0
    package var remaining: Int64 = 0

    package var description: String {
      let done = total - remaining
      return "\(done) of \(total) records (\(total > 0 ? done * 100 / total : 100) %)"
    }
  }

  package var connection = Connection.connecting
  /// Why reading is paused: the store is full, or the dead-letter topic does not take records.
  package var pausedReason: String?
  package var partitions: [Int32] = []
  /// Partitions of which it is not known (yet) that they go on where the store stands.
  package var uncomparedPartitions: [Int32] = []
  /// Partitions that are not read because they are not those that were read before: why.
  package var refusedPartitions: [Int32: String] = [:]
  /// Records in the topic that are not stored yet, by partition, where known.
  package var lag: [Int32: Int64] = [:]
  /// Set while an empty store is filled from the topic.
  package var rebuild: Rebuild?
  package var stored: UInt64 = 0
  package var expiredOnArrival: UInt64 = 0
  package var rejected: UInt64 = 0
  package var duplicates: UInt64 = 0
  /// Records their queues did not want.
  package var dropped: UInt64 = 0
  /// Why the store's maintenance fails, while it does.
  package var maintenanceFailure: String?
}

/// What the thread and its observers share.
final class IngestState: Sendable {
  let status = Mutex(IngestStatus())
  private let isStopped = Atomic(false)
  private let stopSignal = DispatchSemaphore(value: 0)

  var isStopping: Bool { isStopped.load(ordering: .acquiring) }

  func update(_ change: (inout IngestStatus) -> Void) {
    status.withLock { change(&$0) }
  }

  /// Ends every wait, now and later.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    stopSignal.signal()
  }

  /// Blocks the calling thread for the time given, or until `stop`.
  func wait(milliseconds: Int) {
    if stopSignal.wait(timeout: .now() + .milliseconds(milliseconds)) == .success { stopSignal.signal() }
  }
}
