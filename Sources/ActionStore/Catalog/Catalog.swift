import AuditActions
import GRDB

/// The small, long-lived facts of a store in `catalog.sqlite`: a fold over the segment log, written at most once a
/// second together with the number of the last batch it reflects.
///
/// Everything in it can be derived from the log again, except what outlives the log: lifetime counters, queues whose
/// actions have all expired, holes, and how far readers have come.
final class Catalog: Sendable {
  private let database: DatabaseQueue

  struct GroupRow {
    var key: QueueKey
    var partition: Int32
    var counters: QueueDirectory.Counters
    /// Nil leaves what is there.
    var frontier: ReadFrontier.State?
    var rejections: Rejections?
  }

  /// What one checkpoint writes.
  struct Checkpoint {
    /// Last batch whose records are in the counters.
    var batch: UInt64
    var standings: [Int32: Standing]
    var groups: [GroupRow]
    /// Records dead-lettered in all, by reason.
    var rejected: [String: UInt64]
    var duplicates: UInt64
    /// Records not wanted by their queues, by reason.
    var dropped: [String: UInt64]
    /// Holes not written before.
    var holes: [Hole]
    /// The segments there are, to notice at the next start when one is missing or shorter.
    var segments: [SegmentFact]
    /// Those whose actions are counted as unlinked: they are gone, or go next.
    var departing: [UInt64]
    /// The store's time.
    var storeMilliseconds: Int64
    var sources: SourceLedger.Changes
  }

  struct SegmentFact {
    var number: UInt64
    var firstBatch: UInt64
    /// At least so long.
    var bytes: Int
  }

  struct Contents {
    var identity: StoreIdentity
    var topic: String
    var batch: UInt64
    var standings: [Int32: Standing]
    var groups: [GroupRow]
    /// False for a catalog of a version that did not count what expired, or without a checkpoint.
    var isCounted: Bool
    var rejected: [String: UInt64]
    var duplicates: UInt64
    var dropped: [String: UInt64]
    var holes: [Hole]
    var segments: [SegmentFact]
    var departing: [UInt64]
    var storeMilliseconds: Int64
    var sources: SourceLedger.State
  }

  /// Opens or creates the file. Throws GRDB's error; the caller decides whether the file is damaged.
  init(path: String) throws {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(5)
    configuration.label = "catalog"
    database = try DatabaseQueue(path: path, configuration: configuration)
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
          CREATE TABLE offsets (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
          CREATE TABLE queue_partitions (
            project TEXT NOT NULL, queue TEXT NOT NULL, partition INTEGER NOT NULL,
            received INTEGER NOT NULL, expired_on_arrival INTEGER NOT NULL,
            PRIMARY KEY (project, queue, partition)) WITHOUT ROWID;
          CREATE TABLE rejected (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          ALTER TABLE queue_partitions ADD COLUMN expired_unlinked INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN last_offset INTEGER NOT NULL DEFAULT -1;
          ALTER TABLE queue_partitions ADD COLUMN unindexed_offset INTEGER NOT NULL DEFAULT -1;
          ALTER TABLE queue_partitions ADD COLUMN unindexed_ordinal INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN read_up_to INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN expired_unread INTEGER NOT NULL DEFAULT 0;
          CREATE TABLE queue_rejected (
            project TEXT NOT NULL, queue TEXT NOT NULL, partition INTEGER NOT NULL,
            reason TEXT NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (project, queue, partition, reason)) WITHOUT ROWID;
          CREATE TABLE queue_rejected_runs (
            project TEXT NOT NULL, queue TEXT NOT NULL, partition INTEGER NOT NULL,
            first_ordinal INTEGER NOT NULL, last_ordinal INTEGER NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (project, queue, partition, first_ordinal)) WITHOUT ROWID;
          CREATE TABLE holes (
            partition INTEGER NOT NULL, from_offset INTEGER NOT NULL, to_offset INTEGER NOT NULL,
            reason TEXT NOT NULL, recorded_ms INTEGER NOT NULL,
            PRIMARY KEY (partition, from_offset)) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("3") { db in
      try db.execute(sql: "ALTER TABLE offsets ADD COLUMN last_record INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("4") { db in try Self.createSourceLogs(db) }
    migrator.registerMigration("5") { db in try Self.createPurgePoints(db) }
    migrator.registerMigration("6") { db in try Self.addQueuesOfSourceLogs(db) }
    migrator.registerMigration("7") { db in
      try db.execute(
        sql: """
          ALTER TABLE queue_partitions ADD COLUMN floor_offset INTEGER NOT NULL DEFAULT -1;
          ALTER TABLE queue_partitions ADD COLUMN floor_ordinal INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE queue_partitions ADD COLUMN over_retention INTEGER NOT NULL DEFAULT 0;
          """)
    }
    let isNewer = try database.read { try migrator.hasBeenSuperseded($0) }
    guard !isNewer else {
      throw StoreError(.newerVersion, "catalog.sqlite was written by a newer Strandline; start that version instead")
    }
    try migrator.migrate(database)
  }

  func close() { try? database.close() }

  /// For what is read and written apart from checkpoints.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try database.read(body) }
  func write(_ body: (Database) throws -> Void) throws { try database.write(body) }

  // MARK: Reading

  /// Nil for a catalog just created.
  func contents() throws -> Contents? {
    try database.read { db in
      var facts: [String: String] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT name, value FROM facts") {
        facts[try row.value("name")] = try row.value("value") as String
      }
      guard let high = facts["identity_high"].flatMap({ UInt64($0, radix: 16) }),
        let low = facts["identity_low"].flatMap({ UInt64($0, radix: 16) }), let topic = facts["topic"]
      else { return nil }
      var rejected: [String: UInt64] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT reason, count FROM rejected") {
        rejected[try row.value("reason")] = try row.count("count")
      }
      var standings: [Int32: Standing] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT partition, next_offset, last_record FROM offsets") {
        standings[try row.value("partition")] = Standing(
          next: try row.offset("next_offset"),
          lastRecord: RecordFingerprint(value: UInt32(truncatingIfNeeded: try row.value("last_record") as Int64)))
      }
      return Contents(
        identity: StoreIdentity(high: high, low: low), topic: topic, batch: facts["batch"].flatMap { UInt64($0) } ?? 0,
        standings: standings, groups: try Self.groups(db), isCounted: facts["segments"] != nil,
        rejected: rejected,
        duplicates: facts["duplicates"].flatMap { UInt64($0) } ?? 0, dropped: Self.counts(facts["dropped"] ?? ""),
        holes: try Self.holes(db),
        segments: Self.segments(facts["segments"] ?? ""),
        departing: (facts["departing"] ?? "").split(separator: ",").compactMap { Self.segmentNumber($0) },
        storeMilliseconds: facts["store_ms"].flatMap { Int64($0) } ?? .min, sources: try Self.sourceLogs(db))
    }
  }

  /// Nil for what no store counts up to: nothing reckons with it.
  private static func segmentNumber(_ text: Substring) -> UInt64? {
    UInt64(text).flatMap { $0 < 1 << 53 ? $0 : nil }
  }

  /// `reason:count` after `reason:count`, divided by commas.
  private static func counts(_ text: String) -> [String: UInt64] {
    let pairs = text.split(separator: ",").compactMap { part -> (String, UInt64)? in
      let parts = part.split(separator: ":")
      guard parts.count == 2, let count = UInt64(parts[1]) else { return nil }
      return (String(parts[0]), count)
    }
    return Dictionary(pairs) { first, _ in first }
  }

  private static func segments(_ text: String) -> [SegmentFact] {
    text.split(separator: ",").compactMap { part in
      let numbers = part.split(separator: ":")
      guard numbers.count == 3, let number = Self.segmentNumber(numbers[0]), let first = UInt64(numbers[1]),
        let bytes = Int(numbers[2])
      else { return nil }
      return SegmentFact(number: number, firstBatch: first, bytes: bytes)
    }
  }

  private static func groups(_ db: Database) throws -> [GroupRow] {
    let rejections = try rejections(db)
    var groups: [GroupRow] = []
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM queue_partitions")
    while let row = try rows.next() {
      let key = try row.queueKey()
      let partition: Int32 = try row.value("partition")
      groups.append(
        GroupRow(
          key: key, partition: partition,
          counters: .init(
            received: try row.count("received"), expiredOnArrival: try row.count("expired_on_arrival"),
            expiredUnlinked: try row.count("expired_unlinked"), rejected: try row.count("rejected"),
            duplicates: try row.count("duplicates"), lastOffset: try row.offset("last_offset"),
            unindexed: .init(
              offset: try row.offset("unindexed_offset"), ordinal: try row.count("unindexed_ordinal")),
            floor: .init(offset: try row.offset("floor_offset"), ordinal: try row.count("floor_ordinal")),
            overRetention: try row.count("over_retention")),
          frontier: .init(reached: try row.count("read_up_to"), expiredUnread: try row.count("expired_unread")),
          rejections: rejections[key]?[partition]))
    }
    return groups
  }

  private static func rejections(_ db: Database) throws -> [QueueKey: [Int32: Rejections]] {
    var runs: [QueueKey: [Int32: [Rejections.Run]]] = [:]
    let runRows = try Row.fetchCursor(
      db, sql: "SELECT * FROM queue_rejected_runs ORDER BY project, queue, partition, first_ordinal")
    while let row = try runRows.next() {
      let key = try row.queueKey()
      let run = Rejections.Run(
        first: try row.count("first_ordinal"), last: try row.count("last_ordinal"), count: try row.count("count"))
      runs[key, default: [:]][try row.value("partition"), default: []].append(run)
    }
    var reasons: [QueueKey: [Int32: [String: UInt64]]] = [:]
    let reasonRows = try Row.fetchCursor(db, sql: "SELECT * FROM queue_rejected")
    while let row = try reasonRows.next() {
      let key = try row.queueKey()
      reasons[key, default: [:]][try row.value("partition"), default: [:]][try row.value("reason")] =
        try row.count("count")
    }
    var result: [QueueKey: [Int32: Rejections]] = [:]
    for (key, partitions) in runs {
      for (partition, runs) in partitions {
        result[key, default: [:]][partition] = Rejections(
          runs: runs, countByReason: reasons[key]?[partition] ?? [:])
      }
    }
    return result
  }

  private static func holes(_ db: Database) throws -> [Hole] {
    try Row.fetchAll(db, sql: "SELECT * FROM holes ORDER BY partition, from_offset").map { row in
      Hole(
        partition: try row.value("partition"), from: try row.offset("from_offset"), to: try row.offset("to_offset"),
        reason: Hole.Reason(rawValue: try row.value("reason")) ?? .topicRetention,
        recordedMilliseconds: try row.value("recorded_ms"))
    }
  }

  // MARK: Writing

  func begin(identity: StoreIdentity, topic: String) throws {
    try database.write { db in
      try Self.setFact("identity_high", String(identity.high, radix: 16), db)
      try Self.setFact("identity_low", String(identity.low, radix: 16), db)
      try Self.setFact("topic", topic, db)
    }
  }

  func write(_ checkpoint: Checkpoint) throws {
    try database.write { db in
      try Self.setFact("batch", String(checkpoint.batch), db)
      try Self.setFact("duplicates", String(checkpoint.duplicates), db)
      if !checkpoint.dropped.isEmpty {
        let dropped = checkpoint.dropped.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
        try Self.setFact("dropped", dropped.joined(separator: ","), db)
      }
      let segments = checkpoint.segments.map { "\($0.number):\($0.firstBatch):\($0.bytes)" }
      try Self.setFact("segments", segments.joined(separator: ","), db)
      try Self.setFact("departing", checkpoint.departing.map { String($0) }.joined(separator: ","), db)
      try Self.setFact("store_ms", String(checkpoint.storeMilliseconds), db)
      // A store that has lost everything it had of a partition stands nowhere in it: what stood here is not to come back.
      try db.execute(sql: "DELETE FROM offsets")
      let offsets = try db.cachedStatement(sql: "INSERT INTO offsets VALUES (?, ?, ?)")
      for (partition, standing) in checkpoint.standings {
        try offsets.execute(arguments: [partition, standing.next, Int64(standing.lastRecord.value)])
      }
      for row in checkpoint.groups { try Self.write(row, db) }
      for (reason, count) in checkpoint.rejected {
        try db.execute(
          sql: "INSERT OR REPLACE INTO rejected VALUES (?, ?)", arguments: [reason, Int64(clamping: count)])
      }
      for hole in checkpoint.holes {
        try db.execute(
          sql: "INSERT OR REPLACE INTO holes VALUES (?, ?, ?, ?, ?)",
          arguments: [hole.partition, hole.from, hole.to, hole.reason.rawValue, hole.recordedMilliseconds])
      }
      try Self.write(checkpoint.sources, db)
    }
  }

  private static func write(_ row: GroupRow, _ db: Database) throws {
    guard let address = row.key.address else { return }
    let counters = row.counters
    try db.cachedStatement(
      sql: """
        INSERT INTO queue_partitions (project, queue, partition, received, expired_on_arrival, expired_unlinked,
          rejected, duplicates, last_offset, unindexed_offset, unindexed_ordinal, floor_offset, floor_ordinal,
          over_retention)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET received = excluded.received, expired_on_arrival = excluded.expired_on_arrival,
          expired_unlinked = excluded.expired_unlinked, rejected = excluded.rejected,
          duplicates = excluded.duplicates, last_offset = excluded.last_offset,
          unindexed_offset = excluded.unindexed_offset, unindexed_ordinal = excluded.unindexed_ordinal,
          floor_offset = excluded.floor_offset, floor_ordinal = excluded.floor_ordinal,
          over_retention = excluded.over_retention
        """
    ).execute(arguments: [
      address.project, address.queue, row.partition, Int64(clamping: counters.received),
      Int64(clamping: counters.expiredOnArrival), Int64(clamping: counters.expiredUnlinked),
      Int64(clamping: counters.rejected), Int64(clamping: counters.duplicates), counters.lastOffset,
      counters.unindexed.offset, Int64(clamping: counters.unindexed.ordinal),
      counters.floor.offset, Int64(clamping: counters.floor.ordinal), Int64(clamping: counters.overRetention),
    ])
    if let frontier = row.frontier {
      try db.cachedStatement(
        sql: """
          UPDATE queue_partitions SET read_up_to = ?, expired_unread = ?
          WHERE project = ? AND queue = ? AND partition = ?
          """
      ).execute(arguments: [
        Int64(clamping: frontier.reached), Int64(clamping: frontier.expiredUnread), address.project, address.queue,
        row.partition,
      ])
    }
    if let rejections = row.rejections { try write(rejections, of: address, row.partition, db) }
  }

  private static func write(
    _ rejections: Rejections, of address: QueueAddress, _ partition: Int32, _ db: Database
  ) throws {
    for (reason, count) in rejections.countByReason {
      try db.cachedStatement(sql: "INSERT OR REPLACE INTO queue_rejected VALUES (?, ?, ?, ?, ?)")
        .execute(arguments: [address.project, address.queue, partition, reason, Int64(clamping: count)])
    }
    try db.cachedStatement(sql: "DELETE FROM queue_rejected_runs WHERE project = ? AND queue = ? AND partition = ?")
      .execute(arguments: [address.project, address.queue, partition])
    let statement = try db.cachedStatement(sql: "INSERT INTO queue_rejected_runs VALUES (?, ?, ?, ?, ?, ?)")
    for run in rejections.runs {
      try statement.execute(arguments: [
        address.project, address.queue, partition, Int64(clamping: run.first), Int64(clamping: run.last),
        Int64(clamping: run.count),
      ])
    }
  }

  private static func setFact(_ name: String, _ value: String, _ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO facts VALUES (?, ?)", arguments: [name, value])
  }
}

/// GRDB's subscripts end the process where a damaged file holds nothing, or something else, in a column; these throw.
extension Row {
  func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(
    _ column: String
  ) throws -> Value {
    try decode(Value.self, forColumn: column)
  }

  func count(_ column: String) throws -> UInt64 {
    let count: Int64 = try value(column)
    guard count >= 0, count <= StoredNumbers.max else { throw ImplausibleNumber() }
    return UInt64(count)
  }

  /// −1: before the first.
  func offset(_ column: String) throws -> Int64 {
    let offset: Int64 = try value(column)
    guard offset == -1 || StoredNumbers.isOffset(offset) else { throw ImplausibleNumber() }
    return offset
  }

  fileprivate func queueKey() throws -> QueueKey {
    QueueKey("\(try value("project") as String)/\(try value("queue") as String)")
  }
}

/// A number in the catalog that no store writes.
struct ImplausibleNumber: Error {}
