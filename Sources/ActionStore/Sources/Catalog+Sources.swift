import AuditActions
import GRDB

/// The part of the catalog that holds what has come of every source's logs.
///
/// `received` and `gaps` are texts: ranges as Apache ACE writes them, and for gaps the time behind each,
/// `4-8@1700000000000,12@1700000000500`.
extension Catalog {
  static func createSourceLogs(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE source_logs (
          project TEXT NOT NULL, source TEXT NOT NULL, log TEXT NOT NULL,
          received TEXT NOT NULL, gaps TEXT NOT NULL, duplicates INTEGER NOT NULL,
          forgotten_below INTEGER NOT NULL, forgotten INTEGER NOT NULL,
          first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,
          PRIMARY KEY (project, source, log)) WITHOUT ROWID;
        CREATE TABLE reread (partition INTEGER PRIMARY KEY, below_offset INTEGER NOT NULL);
        """)
  }

  static func addQueuesOfSourceLogs(_ db: Database) throws {
    // Null: for several, or it is not known.
    try db.execute(sql: "ALTER TABLE source_logs ADD COLUMN queue TEXT")
  }

  static func sourceLogs(_ db: Database) throws -> SourceLedger.State {
    var state = SourceLedger.State()
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM source_logs")
    while let row = try rows.next() {
      let key = SourceLogKey(
        project: try row.value("project"), source: try row.value("source"), log: try row.value("log"))
      var log = SourceLog(now: try row.value("first_seen_ms"))
      log.lastSeenMilliseconds = try row.value("last_seen_ms")
      log.duplicates = try row.count("duplicates")
      log.forgottenBelow = max(1, try row.value("forgotten_below"))
      log.forgotten = max(0, try row.value("forgotten"))
      log.received = try SequenceRanges(try row.value("received") as String, rangesMax: .max)
      log.queue = LogQueue(name: try row.value("queue") as String?)
      log.gaps = try gaps(try row.value("gaps"), of: log)
      state.logs[key] = log
    }
    for row in try Row.fetchAll(db, sql: "SELECT * FROM reread") {
      state.rereadBelow[try row.value("partition")] = try row.offset("below_offset")
    }
    return state
  }

  /// The numbers of gaps follow from what was received; only their times are read.
  private static func gaps(_ text: String, of log: SourceLog) throws -> [SourceLog.Gap] {
    var times: [Int64: Int64] = [:]
    for part in text.split(separator: ",") {
      let halves = part.split(separator: "@")
      guard halves.count == 2, let first = halves[0].split(separator: "-").first.flatMap({ Int64($0) }),
        let time = Int64(halves[1])
      else { throw ImplausibleNumber() }
      times[first] = time
    }
    return log.received.missing.ranges.map {
      SourceLog.Gap(numbers: $0, sinceMilliseconds: times[$0.lowerBound] ?? log.firstSeenMilliseconds)
    }
  }

  static func write(_ changes: SourceLedger.Changes, _ db: Database) throws {
    for key in changes.removed {
      try db.cachedStatement(sql: "DELETE FROM source_logs WHERE project = ? AND source = ? AND log = ?")
        .execute(arguments: [key.project, key.source, key.log])
    }
    for (key, log) in changes.logs {
      let gaps = log.gaps.map { "\(SequenceRanges($0.numbers))@\($0.sinceMilliseconds)" }
      try db.cachedStatement(sql: "INSERT OR REPLACE INTO source_logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .execute(arguments: [
          key.project, key.source, key.log, log.received.description, gaps.joined(separator: ","),
          Int64(clamping: log.duplicates), log.forgottenBelow, log.forgotten, log.firstSeenMilliseconds,
          log.lastSeenMilliseconds, log.queue.name,
        ])
    }
    try db.execute(sql: "DELETE FROM reread")
    for (partition, offset) in changes.rereadBelow {
      try db.execute(sql: "INSERT INTO reread VALUES (?, ?)", arguments: [partition, offset])
    }
  }
}
