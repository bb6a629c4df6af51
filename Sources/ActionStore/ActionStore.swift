package import AuditActions
import Foundation
package import Logging
import Synchronization

/// The expiring queue store: a segment log with a catalog beside it.
///
/// One writer (`append`, `maintain`), any number of readers. Readers work on immutable snapshots and never wait for the
/// writer. A data directory has one process at a time.
package final class ActionStore: Sendable {
  package let configuration: StoreConfiguration
  package let sealer: TokenSealer
  private let clock: any WallClock
  private let directory: QueueDirectory
  private let lock: DirectoryLock
  private let identity: StoreIdentity
  private let snapshot: SnapshotBox
  private let writer: Mutex<StoreWriter?>

  /// Opens a data directory, making it when there is none, and recovers what a crash may have left.
  ///
  /// - Throws: `directoryUnusable`, `inUse`, `newerVersion`, `otherTopic`, each saying what to do.
  package convenience init(
    configuration: StoreConfiguration, clock: any WallClock = SystemClock(), logger: Logger
  ) throws(StoreError) {
    try self.init(configuration: configuration, clock: clock, files: FileSystem(), logger: logger)
  }

  init(
    configuration: StoreConfiguration, clock: any WallClock, files: FileSystem, logger: Logger
  ) throws(StoreError) {
    let data = try DataDirectory(path: configuration.directory, files: files)
    let catalog = try data.openCatalog(logger: logger)
    let contents = try data.contents(of: catalog)
    if let contents, contents.topic != configuration.topic {
      throw StoreError(
        .otherTopic,
        "\(configuration.directory) holds actions of the topic '\(contents.topic)', not of '\(configuration.topic)'; "
          + "name another data directory or that topic")
    }
    let directory = QueueDirectory()
    let recovery = Recovery(files: files, paths: data.segments, directory: directory, logger: logger)
    let recovered = try recovery.recover(catalog: contents)
    if contents?.identity != recovered.identity {
      do { try catalog.begin(identity: recovered.identity, topic: configuration.topic) } catch {
        throw StoreError(.directoryUnusable, "cannot write catalog.sqlite: \(error)")
      }
    }
    let box = SnapshotBox()
    let writer = StoreWriter(
      configuration: configuration, files: files, paths: data.segments, catalog: catalog, directory: directory,
      logger: logger, recovered: recovered, publish: { box.set($0) })
    self.configuration = configuration
    self.clock = clock
    self.directory = directory
    lock = data.lock
    identity = recovered.identity
    let key = if let given = configuration.sealingKey { given } else { try data.sealingKey() }
    sealer = TokenSealer(key: key)
    snapshot = box
    self.writer = Mutex(writer)
  }

  // MARK: Writing, one thread

  /// Stores one batch: `fill` puts it together, and it is written, indexed and made visible as a whole when that
  /// returns.
  ///
  /// - Throws: `budgetExhausted` or `diskFull` when there is no room now, `inputOutput`, `closed`, or the error of
  ///   `fill`. Then nothing of the batch is stored, and the same batch may be given again.
  package func append(_ fill: (BatchWriter) throws -> Void) throws -> AppendOutcome {
    try writer.withLock { writer in
      guard let writer else { throw Self.closedError }
      writer.beginBatch(now: clock.nowMilliseconds())
      do { try fill(BatchWriter(writer: writer)) } catch {
        writer.undoBatch()
        throw error
      }
      return try writer.commitBatch()
    }
  }

  /// To be called about once a second by the thread that appends: syncs, writes the catalog's checkpoint, seals
  /// segments whose window is over and unlinks those that have expired.
  package func maintain() throws(StoreError) {
    let failure: StoreError? = writer.withLock { writer in
      guard let writer else { return Self.closedError }
      do throws(StoreError) {
        try writer.maintain(now: clock.nowMilliseconds())
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  /// Makes everything durable and gives the data directory free. Readers may finish what they began.
  package func close() throws(StoreError) {
    let failure: StoreError? = writer.withLock { writer in
      guard let open = writer else { return nil }
      writer = nil
      do throws(StoreError) {
        try open.close(now: clock.nowMilliseconds())
        return nil
      } catch { return error }
    }
    lock.release()
    if let failure { throw failure }
  }

  /// Lets go of everything as a killed process would: for tests of recovery.
  func abandon() {
    writer.withLock { writer in
      writer?.catalog.close()
      writer = nil
    }
    lock.release()
  }

  private static let closedError = StoreError(.closed, "the store was closed")

  /// The first offset of a partition that is not stored; nil for a partition never seen.
  package func nextOffset(of partition: Int32) -> Int64? { snapshot.get().nextOffsets[partition] }

  package var nextOffsets: [Int32: Int64] { snapshot.get().nextOffsets }

  // MARK: Reading, any thread

  package func nowMilliseconds() -> Int64 { clock.nowMilliseconds() }

  /// The oldest live actions after `marker`, from the head of the queue without one.
  ///
  /// - Parameters:
  ///   - limit: 1…50.
  ///   - events: only actions with one of these events; all when empty.
  package func page(of queue: QueueAddress, after marker: Marker?, limit: Int, events: [String] = []) -> Page {
    reader(of: queue).page(after: marker, limit: max(1, limit), events: events)
  }

  /// Nil when the queue has no such action, or it has expired.
  package func action(at position: ActionPosition, in queue: QueueAddress) -> StoredAction? {
    reader(of: queue).action(at: position)
  }

  /// Nil for a queue of which nothing was ever received.
  package func statistics(of queue: QueueAddress) -> QueueStatistics? {
    let reader = reader(of: queue)
    guard !reader.groups.isEmpty else { return nil }
    return reader.statistics(counters: reader.groups.map { directory.counters(of: $0) })
  }

  /// Names of a project's queues after `name`, ascending; every queue ever seen.
  package func queues(of project: String, after name: String?, limit: Int) -> [String] {
    directory.queues(of: project, after: name, limit: limit)
  }

  private func reader(of queue: QueueAddress) -> PageReader {
    // The snapshot is taken first: every group with an action in it is known by then.
    let snapshot = snapshot.get()
    let groups = directory.groups(of: QueueKey(queue.key)).sorted { $0.partition < $1.partition }
    return PageReader(
      snapshot: snapshot, groups: groups, identity: identity, now: clock.nowMilliseconds(),
      scanMax: configuration.pageScanMax)
  }

  /// Figures for operators.
  package struct Status: Sendable {
    package var bytesOnDisk: Int64
    package var segments: Int
    package var queues: Int
    package var expiredActions: UInt64
    package var duplicates: UInt64
    package var rejected: [String: UInt64]
  }

  /// Waits for the writer: for metrics and checks, not for requests.
  package func status() -> Status {
    writer.withLock { writer in
      Status(
        bytesOnDisk: writer?.bytesOnDisk ?? 0,
        segments: writer.map { $0.sealed.count + $0.retired.count + $0.open.compactMap { $0 }.count } ?? 0,
        queues: directory.queueCount, expiredActions: writer?.expiredActions ?? 0,
        duplicates: writer?.duplicates ?? 0, rejected: writer?.rejected ?? [:])
    }
  }
}

/// The snapshot readers take; the lock is held for the copy of a reference.
private final class SnapshotBox: Sendable {
  private let current = Mutex(StoreSnapshot(lanes: [], nextOffsets: [:]))

  func get() -> StoreSnapshot { current.withLock { $0 } }

  func set(_ snapshot: StoreSnapshot) {
    // The old one is let go outside the lock: it may be the last reference to a mapping.
    let old = current.withLock { current in
      let old = current
      current = snapshot
      return old
    }
    _ = old
  }
}
