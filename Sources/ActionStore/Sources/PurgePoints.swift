import AuditActions
import GRDB
import Synchronization

/// From which number on the actions of each log are wanted (Apache ACE's `LowestID`): it only ever rises.
///
/// Kept in the catalog, written when it is raised; a node's own.
final class PurgePoints: Sendable {
  /// Most logs with a purge point.
  static let countMax = SourceLedger.logsMax

  private let points: Mutex<[SourceLogKey: Int64]>
  /// Held while one is written: who reads does not wait for the disk.
  private let writing = Mutex(())

  init(_ points: [SourceLogKey: Int64]) { self.points = Mutex(points) }

  /// 1 where none was set.
  subscript(key: SourceLogKey) -> Int64 { points.withLock { $0[key] ?? 1 } }

  /// Writes a higher one; a lower one changes nothing.
  /// - Parameter write: on disk, before it holds.
  /// - Returns: the one that holds then; nil where there are too many.
  func raise(_ key: SourceLogKey, to lowest: Int64, _ write: () throws -> Void) rethrows -> Int64? {
    try writing.withLock { _ in
      let (known, count) = points.withLock { ($0[key], $0.count) }
      guard lowest > known ?? 1 else { return known ?? 1 }
      guard known != nil || count < Self.countMax else { return nil }
      try write()
      points.withLock { $0[key] = lowest }
      return lowest
    }
  }
}

extension Catalog {
  static func createPurgePoints(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE purge_points (
          project TEXT NOT NULL, source TEXT NOT NULL, log TEXT NOT NULL, lowest INTEGER NOT NULL,
          PRIMARY KEY (project, source, log)) WITHOUT ROWID;
        """)
  }

  func purgePoints() throws -> [SourceLogKey: Int64] {
    try read { db in
      var points: [SourceLogKey: Int64] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT * FROM purge_points") {
        let lowest: Int64 = try row.value("lowest")
        guard lowest > 1 else { throw ImplausibleNumber() }
        points[
          SourceLogKey(
            project: try row.value("project"), source: try row.value("source"), log: try row.value("log"))] = lowest
      }
      return points
    }
  }

  func setPurgePoint(_ key: SourceLogKey, _ lowest: Int64) throws {
    try write { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO purge_points VALUES (?, ?, ?, ?)",
        arguments: [key.project, key.source, key.log, lowest])
    }
  }
}

extension SourceLog {
  /// What is missing from a purge point on.
  package func gaps(from lowest: Int64) -> [Gap] {
    guard lowest > 1, let first = gaps.first, first.numbers.lowerBound < lowest else { return gaps }
    return gaps.compactMap { gap in
      guard gap.numbers.upperBound >= lowest else { return nil }
      return Gap(
        numbers: max(lowest, gap.numbers.lowerBound)...gap.numbers.upperBound,
        sinceMilliseconds: gap.sinceMilliseconds)
    }
  }
}
