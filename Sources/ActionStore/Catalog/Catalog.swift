import AuditActions
import GRDB

/// The small, long-lived facts of a store in `catalog.sqlite`: a fold over the segment log, written at most once a
/// second together with the number of the last batch it reflects.
///
/// Everything in it can be derived from the log again, except what outlives the log: lifetime counters, and queues
/// whose actions have all expired.
final class Catalog: Sendable {
  private let database: DatabaseQueue

  struct GroupRow {
    var key: QueueKey
    var partition: Int32
    var counters: QueueDirectory.Counters
  }

  /// What one checkpoint writes.
  struct Checkpoint {
    /// Last batch whose records are in the counters.
    var batch: UInt64
    var nextOffsets: [Int32: Int64]
    var groups: [GroupRow]
    /// Records dead-lettered in all, by reason.
    var rejected: [String: UInt64]
    var duplicates: UInt64
  }

  struct Contents {
    var identity: StoreIdentity
    var topic: String
    var batch: UInt64
    var groups: [GroupRow]
    var rejected: [String: UInt64]
    var duplicates: UInt64
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
    let isNewer = try database.read { try migrator.hasBeenSuperseded($0) }
    guard !isNewer else {
      throw StoreError(.newerVersion, "catalog.sqlite was written by a newer Strandline; start that version instead")
    }
    try migrator.migrate(database)
  }

  func close() { try? database.close() }

  /// Nil for a catalog just created.
  func contents() throws -> Contents? {
    try database.read { db in
      var facts: [String: String] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT name, value FROM facts") { facts[row["name"]] = row["value"] }
      guard let high = facts["identity_high"].flatMap({ UInt64($0, radix: 16) }),
        let low = facts["identity_low"].flatMap({ UInt64($0, radix: 16) }), let topic = facts["topic"]
      else { return nil }
      var groups: [GroupRow] = []
      let rows = try Row.fetchCursor(
        db, sql: "SELECT project, queue, partition, received, expired_on_arrival FROM queue_partitions")
      while let row = try rows.next() {
        let received: Int64 = row["received"]
        let expired: Int64 = row["expired_on_arrival"]
        groups.append(
          GroupRow(
            key: QueueKey("\(row["project"] as String)/\(row["queue"] as String)"), partition: row["partition"],
            counters: .init(received: UInt64(clamping: received), expiredOnArrival: UInt64(clamping: expired))))
      }
      var rejected: [String: UInt64] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT reason, count FROM rejected") {
        rejected[row["reason"]] = UInt64(clamping: row["count"] as Int64)
      }
      return Contents(
        identity: StoreIdentity(high: high, low: low), topic: topic, batch: facts["batch"].flatMap { UInt64($0) } ?? 0,
        groups: groups, rejected: rejected, duplicates: facts["duplicates"].flatMap { UInt64($0) } ?? 0)
    }
  }

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
      let offsets = try db.cachedStatement(sql: "INSERT OR REPLACE INTO offsets VALUES (?, ?)")
      for (partition, offset) in checkpoint.nextOffsets { try offsets.execute(arguments: [partition, offset]) }
      let groups = try db.cachedStatement(sql: "INSERT OR REPLACE INTO queue_partitions VALUES (?, ?, ?, ?, ?)")
      for row in checkpoint.groups {
        guard let address = row.key.address else { continue }
        try groups.execute(arguments: [
          address.project, address.queue, row.partition, Int64(clamping: row.counters.received),
          Int64(clamping: row.counters.expiredOnArrival),
        ])
      }
      for (reason, count) in checkpoint.rejected {
        try db.execute(
          sql: "INSERT OR REPLACE INTO rejected VALUES (?, ?)", arguments: [reason, Int64(clamping: count)])
      }
    }
  }

  private static func setFact(_ name: String, _ value: String, _ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO facts VALUES (?, ?)", arguments: [name, value])
  }
}
