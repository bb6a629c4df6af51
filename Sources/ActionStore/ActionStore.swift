package import AuditActions
import Foundation
package import Logging
import Synchronization

/// The expiring queue store: a segment log with a catalog beside it.
///
/// One writer (`append`, `maintain`), any number of readers. Readers work on immutable snapshots and never wait for the
/// writer. A data directory has one process at a time.
package final class ActionStore: Sendable {
  /// The version of the data directory's layout this store writes; it reads this one and all before.
  package static let directoryVersion = 5

  package let configuration: StoreConfiguration
  package let sealer: TokenSealer
  private let clock: StoreClock
  private let lock: DirectoryLock
  private let files: FileSystem
  private let paths: SegmentPaths
  private let logger: Logger
  let view: StoreView
  private let sources: SourceLedger
  let purgePoints: PurgePoints
  let catalog: Catalog
  private let writer: Mutex<StoreWriter?>

  /// Opens a data directory, making it when there is none, and recovers what a crash may have left. What was sealed in
  /// order is not read: how long this takes does not depend on how much there is.
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
    let data = try DataDirectory(path: configuration.directory, files: files, logger: logger)
    let (catalog, contents) = try data.openCatalog(logger: logger)
    if let contents, contents.topic != configuration.topic {
      throw StoreError(
        .otherTopic,
        "\(configuration.directory) holds actions of the topic '\(contents.topic)', not of '\(configuration.topic)'; "
          + "name another data directory or that topic")
    }
    do { purgePoints = PurgePoints(try catalog.purgePoints()) } catch {
      throw StoreError(.directoryUnusable, "cannot read catalog.sqlite: \(error)")
    }
    self.catalog = catalog
    let directory = QueueDirectory()
    let recovery = Recovery(
      files: files, paths: data.segments, directory: directory, logger: logger, now: clock.nowMilliseconds())
    let recovered = try recovery.recover(catalog: contents)
    if contents?.identity != recovered.identity {
      do { try catalog.begin(identity: recovered.identity, topic: configuration.topic) } catch {
        throw StoreError(.directoryUnusable, "cannot write catalog.sqlite: \(error)")
      }
    }
    let view = StoreView()
    let sources = SourceLedger(recovered.sources, purgePoints: purgePoints)
    let writer = StoreWriter(
      configuration: configuration, files: files, paths: data.segments, catalog: catalog, directory: directory,
      logger: logger, recovered: recovered, view: view, sources: sources)
    self.sources = sources
    self.configuration = configuration
    self.clock = StoreClock(clock, floor: recovered.latestMilliseconds)
    self.view = view
    lock = data.lock
    self.files = files
    paths = data.segments
    self.logger = logger
    let key = if let given = configuration.sealingKey { given } else { try data.sealingKey(logger: logger) }
    sealer = TokenSealer(key: key)
    self.writer = Mutex(writer)
  }

  // MARK: Writing, one thread

  /// Stores one batch: `fill` puts it together, and it is written, indexed and made visible as a whole when that
  /// returns.
  ///
  /// - Throws: `budgetExhausted` or `diskFull` when there is no room now, `inputOutput`, `closed`, or the error of
  ///   `fill`. Then nothing of the batch is stored, and the same batch may be given again. `damaged` while the store
  ///   ``isDamaged``: then ``repair()`` comes first, and the offsets may go back.
  package func append(_ fill: (BatchWriter) throws -> Void) throws -> AppendOutcome {
    try writer.withLock { writer in
      guard let writer else { throw Self.closedError }
      guard !writer.health.isDamaged else {
        throw StoreError(.damaged, "a damaged file was found, and is to be set aside")
      }
      writer.beginBatch(now: clock.nowMilliseconds(), lead: clock.leadMilliseconds())
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

  /// What queues keep at most (`audit.retention`), for all that have a bound; what is over it is gone for readers at
  /// once, and stays gone when the bound is lifted. To be called by the thread that appends.
  package func retain(_ bounds: [QueueAddress: QueueAudit.Retention]) {
    writer.withLock { writer in
      let bounds = bounds.map { (QueueKey($0.key.key), $0.value) }
      writer?.setBounds(Dictionary(bounds) { first, _ in first }, now: clock.nowMilliseconds())
    }
  }

  // MARK: Damage

  /// Whether something was found that is not as it was written. Nothing of it was given out; readers get nothing at all
  /// until ``repair()``.
  package var isDamaged: Bool { view.snapshot.health.isDamaged }

  /// Sets aside what is damaged, as a start does that reads everything. Nothing happens to a store that is whole.
  ///
  /// To be called by the thread that appends. Offsets may go back: what follows them has to be read again.
  package func repair() throws(StoreError) {
    let failure: StoreError? = writer.withLock { writer in
      guard let broken = writer else { return Self.closedError }
      guard broken.health.isDamaged else { return nil }
      do throws(StoreError) {
        writer = try repaired(broken)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  private func repaired(_ broken: StoreWriter) throws(StoreError) -> StoreWriter {
    logger.error("A file of the store is not what was written: everything is read and checked")
    // Where this fails, recovery finds what a killed process leaves.
    try? broken.maintain(now: clock.nowMilliseconds())
    let directory = QueueDirectory()
    var recovery = Recovery(
      files: files, paths: paths, directory: directory, logger: logger, now: clock.nowMilliseconds())
    recovery.isRunning = true
    let contents: Catalog.Contents?
    do { contents = try broken.catalog.contents() } catch {
      throw StoreError(.inputOutput, "cannot read catalog.sqlite: \(error)")
    }
    let recovered = try recovery.recover(catalog: contents, trustsIndexes: false)
    if contents?.identity != recovered.identity {
      do { try broken.catalog.begin(identity: recovered.identity, topic: configuration.topic) } catch {
        throw StoreError(.inputOutput, "cannot write catalog.sqlite: \(error)")
      }
    }
    sources.replace(recovered.sources)
    let writer = StoreWriter(
      configuration: configuration, files: files, paths: paths, catalog: broken.catalog, directory: directory,
      logger: logger, recovered: recovered, view: view, sources: sources)
    writer.forgetLastRecords(upTo: broken.forgotten)
    writer.setBounds(broken.bounds, now: clock.nowMilliseconds())
    return writer
  }

  /// Reads everything that was taken over unread at the start, and notes what is damaged. Readers need not wait for it.
  ///
  /// - Parameter goesOn: asked after every piece, with its bytes: it may wait, and ends the whole with false.
  package func verify(_ goesOn: (Int) -> Bool) {
    var isStopped = false
    for segment in view.snapshot.lanes.joined() {
      guard !isStopped, !isDamaged else { return }
      segment.check?.verify { bytes in
        isStopped = !goesOn(bytes)
        return !isStopped
      }
    }
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
  package func nextOffset(of partition: Int32) -> Int64? { view.snapshot.nextOffsets[partition] }

  package var nextOffsets: [Int32: Int64] { view.snapshot.nextOffsets }

  /// How far each partition seen is stored. Waits for the writer.
  package var standings: [Int32: Standing] { writer.withLock { $0?.standings ?? [:] } }

  /// Whatever the partitions hold at the offsets that are stored is taken for what was read there: for a log that was
  /// replaced on purpose. Kept until the store is closed.
  package func forgetLastRecords() {
    writer.withLock { writer in
      guard let writer else { return }
      writer.forgetLastRecords(upTo: writer.standings.mapValues(\.next))
    }
  }

  // MARK: Reading, any thread

  /// The time TTLs are counted in: the wall clock's, but never going back.
  package func nowMilliseconds() -> Int64 { clock.nowMilliseconds() }

  /// What the wall clock shows at a moment of the store's time. The two differ only after the wall clock was set back.
  package func wallMilliseconds(at storeMilliseconds: Int64) -> Int64 {
    storeMilliseconds.subtractingReportingOverflow(clock.leadMilliseconds()).partialValue
  }

  /// The oldest live actions after `marker`, from the head of the queue without one.
  ///
  /// - Parameters:
  ///   - limit: 1…50.
  ///   - events: only actions with one of these events; all when empty.
  ///   - stopsAtGaps: ends the page before the first gap. A page without actions is then that gap alone.
  package func page(
    of queue: QueueAddress, after marker: Marker?, limit: Int, events: [String] = [], stopsAtGaps: Bool = false
  ) -> Page {
    page(of: QueueReference(queue), after: marker, limit: limit, events: events, stopsAtGaps: stopsAtGaps)
  }

  /// The same for a reader who asks again and again.
  ///
  /// - Parameter now: the store's time as it was a moment ago, for those who have just asked for it.
  package func page(
    of queue: QueueReference, after marker: Marker?, limit: Int, events: [String] = [], stopsAtGaps: Bool = false,
    now: Int64? = nil
  ) -> Page {
    if events.isEmpty, !stopsAtGaps, let page = plainPage(of: queue.key, after: marker, limit: limit, now: now) {
      return page
    }
    return wholePage(of: queue.key, after: marker, limit: limit, events: events, stopsAtGaps: stopsAtGaps)
  }

  /// Nil when something is in the way, or would be told.
  func plainPage(of key: QueueKey, after marker: Marker?, limit: Int, now: Int64? = nil) -> Page? {
    guard limit >= 1, limit <= configuration.pageScanMax, let (snapshot, facts) = view.lookAtSole(key) else {
      return nil
    }
    return PlainPage.read(
      facts, snapshot, after: marker, limit: limit, now: now ?? clock.nowMilliseconds())
  }

  func wholePage(
    of key: QueueKey, after marker: Marker?, limit: Int, events: [String], stopsAtGaps: Bool
  ) -> Page {
    reader(of: key).page(after: marker, limit: max(1, limit), events: events, stopsAtGaps: stopsAtGaps)
  }

  /// Nil when the queue has no such action, or it has expired or is over what the queue keeps.
  package func action(at position: ActionPosition, in queue: QueueAddress) -> StoredAction? {
    reader(of: QueueKey(queue.key)).action(at: position)
  }

  /// Nil for a queue of which nothing was ever received.
  package func statistics(of queue: QueueAddress) -> QueueStatistics? {
    let reader = reader(of: QueueKey(queue.key))
    return reader.facts.isEmpty ? nil : reader.statistics()
  }

  /// The counts of all queues together, and how many queues do not add up. Looks at every index: for operators.
  package func balance() -> StoreBalance {
    let (snapshot, facts) = view.lookAtAll()
    let now = clock.nowMilliseconds()
    var balance = StoreBalance()
    for (key, parts) in Dictionary(grouping: facts, by: \.group.key) {
      balance.add(reader(of: key, snapshot, parts, now: now).statistics())
    }
    for (reason, count) in snapshot.directory.dropped {
      if let reason = DropReason(rawValue: reason) { balance.dropped[reason] = count }
    }
    return balance
  }

  /// Names of a project's queues after `name`, ascending; every queue ever seen.
  package func queues(of project: String, after name: String?, limit: Int) -> [String] {
    view.snapshot.directory.queues(of: project, after: name, limit: limit)
  }

  private func reader(of key: QueueKey) -> PageReader {
    let (snapshot, facts) = view.look(at: key)
    return reader(of: key, snapshot, facts, now: clock.nowMilliseconds())
  }

  private func reader(
    of key: QueueKey, _ snapshot: StoreSnapshot, _ facts: [QueueDirectory.Facts], now: Int64
  ) -> PageReader {
    PageReader(
      snapshot: snapshot, facts: facts, key: key, now: now, scanMax: configuration.pageScanMax)
  }

  /// The logs of a project's sources, of one source if named, after one, by source and log id.
  package func sourceLogs(
    of project: String, source: String? = nil, after key: SourceLogKey? = nil, limit: Int = .max
  ) -> [(key: SourceLogKey, log: SourceLog)] {
    sources.logs(of: project, source: source, after: key, limit: limit)
  }

  /// Nil for a log of which nothing has come.
  package func sourceLog(_ key: SourceLogKey) -> SourceLog? { sources.log(key) }

  /// What is missing of the logs whose actions came for this queue, as of the last maintenance; nil when nothing is,
  /// which costs one load.
  package func missingNumbers(of queue: QueueReference) -> MissingNumbers? { sources.missing(of: queue.key) }

  /// Where the numbers of one batch are judged, before it is appended.
  package func beginIntake() -> SourceIntake { SourceIntake(ledger: sources, now: clock.nowMilliseconds()) }

  /// Where Kafka no longer had what was to be stored, in the order it was noticed.
  package var holes: [Hole] { view.snapshot.holes.all }

  /// Figures for operators.
  package struct Status: Sendable {
    package var bytesOnDisk: Int64
    package var segments: Int
    package var queues: Int
    /// Expired, or over what their queue keeps, and gone from the disk.
    package var expiredActions: UInt64
    /// Those that went over what their queue keeps before their TTL had passed.
    package var overRetention: UInt64
    package var duplicates: UInt64
    package var rejected: [String: UInt64]
  }

  /// Waits for the writer: for metrics and checks, not for requests.
  package func status() -> Status {
    writer.withLock { writer in
      Status(
        bytesOnDisk: writer?.bytesOnDisk ?? 0,
        segments: writer.map { $0.sealed.count + $0.retired.count + $0.open.compactMap { $0 }.count } ?? 0,
        queues: view.snapshot.directory.queueCount, expiredActions: writer?.expiredActions ?? 0,
        overRetention: writer?.overRetention ?? 0, duplicates: writer?.duplicates ?? 0,
        rejected: writer?.rejected ?? [:])
    }
  }
}
