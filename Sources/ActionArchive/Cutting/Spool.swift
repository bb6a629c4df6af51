#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The folder in which objects are built before they are stored. Each process has one of its own below the one that is
/// configured, locked while it lives: what a killed process left is removed by the next.
final class Spool: Sendable {
  private static let prefix = "strandline-archive."

  let folder: String
  private let lock: Int32

  /// - Throws: `io`.
  init(below parent: String) throws(ArchiveError) {
    try Self.makeFolder(parent)
    Self.removeLeftOvers(in: parent)
    var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Self.failure("make a folder in", parent) }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    lock = open("\(folder)/LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw Self.failure("lock", folder) }
  }

  /// Removes the folder with all that is in it.
  func remove() {
    Self.empty(folder)
    close(lock)
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func failure(_ what: String, _ path: String, _ number: Int32 = errno) -> ArchiveError {
    ArchiveError(
      .io,
      "cannot \(what) \(path): \(String(cString: strerror(number))); make room, mend its rights, or name another "
        + "folder with --spool")
  }

  private static func makeFolder(_ path: String) throws(ArchiveError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    throw failure("make", path)
  }

  private static func removeLeftOvers(in parent: String) {
    for name in names(in: parent) where name.hasPrefix(prefix) {
      let folder = "\(parent)/\(name)"
      let lock = open("\(folder)/LOCK", O_RDWR | O_CLOEXEC)
      guard lock >= 0 else { continue }
      if flock(lock, LOCK_EX | LOCK_NB) == 0 { empty(folder) }
      close(lock)
    }
  }

  private static func empty(_ folder: String) {
    for name in names(in: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      // In place: an entry is no longer than its name, and a copy would read all 256 bytes of the field.
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

/// A file that is written from front to end.
final class SpoolFile {
  let path: String
  private var descriptor: Int32
  private(set) var size: Int64 = 0

  init(path: String) throws(ArchiveError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Spool.failure("write", path) }
  }

  deinit { finish() }

  func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    var done = 0
    while done < bytes.count {
      let written = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw Spool.failure("write", path, written == 0 ? ENOSPC : errno) }
      done += written
    }
    size += Int64(done)
  }

  /// Ends writing; the file stays. The store reads it back at once, so it need not be durable here.
  func finish() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
  }
}

func removeFile(_ path: String) { unlink(path) }
