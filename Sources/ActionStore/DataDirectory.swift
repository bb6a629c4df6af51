import Foundation
import GRDB
import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The layout of a data directory, and the checks before anything in it is touched.
///
/// | name | what |
/// | --- | --- |
/// | `VERSION` | the version of the layout, a number in text |
/// | `LOCK` | locked by the process that has the directory |
/// | `catalog.sqlite` | see ``Catalog`` |
/// | `segments/` | see ``SegmentHeader`` and ``IndexFile`` |
/// | `sealing.key` | 32 bytes, where the configuration names no key |
struct DataDirectory {
  static let version = ActionStore.directoryVersion

  let path: String
  let files: FileSystem
  let lock: DirectoryLock
  let segments: SegmentPaths
  /// Whether a store has been here: what is missing then was lost.
  private let holdsSegments: Bool

  init(path: String, files: FileSystem, logger: Logger) throws(StoreError) {
    self.path = path
    self.files = files
    segments = SegmentPaths(directory: path + "/segments")
    do throws(StoreError) {
      try files.makeDirectory(path)
      lock = try DirectoryLock(path: path, files: files)
      let hasVersion = try Self.checkVersion(path: path, files: files)
      try files.makeDirectory(path + "/segments")
      holdsSegments = try files.names(in: path + "/segments").contains { $0.hasSuffix(".segment") }
      if holdsSegments, !hasVersion {
        logger.warning(
          "A data directory with segments has no VERSION: it is taken for one of this version, and VERSION written anew",
          metadata: ["data": "\(path)", "version": "\(Self.version)"])
      }
    } catch  where error.code == .inputOutput {
      throw StoreError(
        .directoryUnusable,
        "the data directory \(path) cannot be used (\(error.detail)); mend its rights or name another",
        systemError: error.systemError)
    }
  }

  /// - Returns: whether there was one.
  private static func checkVersion(path: String, files: FileSystem) throws(StoreError) -> Bool {
    let file = path + "/VERSION"
    guard let bytes = try files.contents(of: file) else {
      try files.replace(file, with: Array("\(version)\n".utf8))
      return false
    }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let found = Int(text) else {
      throw StoreError(.damaged, "\(file) does not hold a version number; is \(path) a data directory of Strandline?")
    }
    guard found <= version else {
      throw StoreError(
        .newerVersion,
        "\(path) has layout version \(found), this Strandline reads up to \(version); start the newer Strandline, "
          + "or name an empty directory and it is rebuilt from the topic")
    }
    // What is written from now on an older version cannot read.
    if found < version { try files.replace(file, with: Array("\(version)\n".utf8)) }
    return true
  }

  /// Opens the catalog and reads it; a damaged file is set aside, because everything but lifetime counters comes from
  /// the log.
  func openCatalog(logger: Logger) throws(StoreError) -> (catalog: Catalog, contents: Catalog.Contents?) {
    let file = path + "/catalog.sqlite"
    do {
      let catalog = try Catalog(path: file)
      do {
        _ = try catalog.purgePoints()
        return (catalog, try catalog.contents())
      } catch {
        catalog.close()
        throw error
      }
    } catch {
      if let error = error as? StoreError { throw error }
      guard Self.isDamage(error) else { throw StoreError(.directoryUnusable, "cannot open \(file): \(error)") }
      let aside = file + ".damaged-\(Int(Date().timeIntervalSince1970))"
      logger.error(
        "The catalog is damaged: it is set aside and built anew from the segments", metadata: ["file": "\(aside)"])
      try files.rename(file, to: aside)
      try files.unlink(file + "-wal")
      try files.unlink(file + "-shm")
      do { return (try Catalog(path: file), nil) } catch {
        throw StoreError(.directoryUnusable, "cannot create \(file): \(error)")
      }
    }
  }

  /// Whether the file is not what was written to it, by SQLite's own account or by what its columns hold; everything
  /// else (a full disk, missing rights) may pass.
  private static func isDamage(_ error: any Error) -> Bool {
    guard let error = error as? DatabaseError else { return error is RowDecodingError || error is ImplausibleNumber }
    return [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode)
  }

  /// The key kept in the directory, made at the first start.
  func sealingKey(logger: Logger) throws(StoreError) -> [UInt8] {
    let file = path + "/sealing.key"
    if let key = try files.contents(of: file) {
      guard key.count == TokenSealer.keyBytes else {
        throw StoreError(
          .damaged,
          "\(file) has \(key.count) bytes, not \(TokenSealer.keyBytes); remove it to have a new one made "
            + "(markers given out before become invalid)")
      }
      return key
    }
    if holdsSegments {
      logger.error(
        """
        A data directory with segments has no sealing.key: a new one is made. Markers and ids given out before are refused \
        from now on, with 400. If you have the old file, stop this node and put it back; if the key was given by \
        marker-key, give it again
        """, metadata: ["data": "\(path)"])
    }
    var generator = SystemRandomNumberGenerator()
    let key = (0..<TokenSealer.keyBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try files.replace(file, with: key, mode: 0o600)
    return key
  }
}

/// Keeps other processes out of a data directory; given up by the system when this one ends.
final class DirectoryLock: Sendable {
  private let file: Mutex<FileDescriptor?>

  init(path: String, files: FileSystem) throws(StoreError) {
    let descriptor = try files.open(path + "/LOCK", flags: O_RDWR | O_CREAT)
    guard flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 else {
      throw StoreError(
        .inUse, "another process uses the data directory \(path); stop it or name another directory (--data)")
    }
    file = Mutex(descriptor)
  }

  func release() { file.withLock { $0 = nil } }
}
