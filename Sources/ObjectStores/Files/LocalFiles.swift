#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The system calls on files, in one place: each failure becomes an `ObjectStoreError`, and a test can make any fail.
///
/// All of them block: call them through ``BlockingWork``.
final class LocalFiles: Sendable {
  enum Operation: String, Sendable, CaseIterable {
    case open, create, read, write, sync, link, unlink, makeDirectory, list, status
  }

  /// Asked before every call: an error number makes the call fail with it, without being made.
  typealias Fault = @Sendable (Operation, String) -> Int32?
  private let fault: Fault?

  init(fault: Fault? = nil) { self.fault = fault }

  /// Opens a regular file for reading; a symbolic link, a device or a pipe in its place is refused, never waited for.
  /// Nil when there is none.
  func openForReading(_ path: String) throws(ObjectStoreError) -> OpenFile? {
    try check(.open, path)
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard number >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Self.failure(.open, path)
    }
    let file = OpenFile(number: number, path: path)
    guard try status(of: file).st_mode & S_IFMT == S_IFREG else {
      throw ObjectStoreError(.io, "\(path) is not a regular file: remove what stands there")
    }
    return file
  }

  /// Creates a file that must not exist yet; nil when it does.
  func create(_ path: String) throws(ObjectStoreError) -> OpenFile? {
    try check(.create, path)
    // Never written again after it got its name; the owner may still remove it.
    let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o440)
    guard number >= 0 else {
      if errno == EEXIST { return nil }
      throw Self.failure(.create, path)
    }
    return OpenFile(number: number, path: path)
  }

  /// Reads up to the buffer's size at `offset`; 0 at the end.
  func read(_ file: OpenFile, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ObjectStoreError)
    -> Int
  {
    while true {
      try check(.read, file.path)
      let count = pread(file.number, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      if errno != EINTR { throw Self.failure(.read, file.path) }
    }
  }

  /// Appends all bytes, or throws.
  func write(_ bytes: UnsafeRawBufferPointer, to file: OpenFile) throws(ObjectStoreError) {
    var done = 0
    while done < bytes.count {
      try check(.write, file.path)
      let written = Glibc.write(file.number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if written > 0 {
        done += written
      } else if written == 0 {
        throw Self.failure(.write, file.path, EIO)
      } else if errno != EINTR {
        throw Self.failure(.write, file.path)
      }
    }
  }

  func sync(_ file: OpenFile) throws(ObjectStoreError) {
    try check(.sync, file.path)
    guard fsync(file.number) == 0 else { throw Self.failure(.sync, file.path) }
  }

  /// Makes the names in a folder durable.
  func syncFolder(_ path: String) throws(ObjectStoreError) {
    try check(.open, path)
    let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw Self.failure(.open, path) }
    try sync(OpenFile(number: number, path: path))
  }

  /// Gives a file its final name unless that name is taken (false). The old name goes only when true.
  ///
  /// A second link and the end of the first: unlike `rename`, a link never replaces.
  func renameWithoutReplacing(_ from: String, to: String) throws(ObjectStoreError) -> Bool {
    try check(.link, to)
    guard link(from, to) == 0 else {
      switch errno {
      case EEXIST: return false
      case EPERM, ENOTSUP, EMLINK, ENOSYS:
        throw ObjectStoreError(
          .notSupported,
          "\(to): this file system has no hard links, without which a name cannot be taken for sure: "
            + "choose a folder on another (ext4, XFS, NFS, …)")
      default: throw Self.failure(.link, to)
      }
    }
    try unlink(from)
    return true
  }

  /// Takes the file for this open file alone; false when another, of any process, has it. The kernel lets go of it
  /// when its holder ends, however it ends.
  func lock(_ file: OpenFile) throws(ObjectStoreError) -> Bool {
    while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
      if errno == EWOULDBLOCK { return false }
      if errno != EINTR { throw Self.failure(.open, file.path) }
    }
    return true
  }

  /// Removes a file; one that is not there is no error.
  func unlink(_ path: String) throws(ObjectStoreError) {
    try check(.unlink, path)
    guard Glibc.unlink(path) == 0 || errno == ENOENT else { throw Self.failure(.unlink, path) }
  }

  /// True when it was made now, false when it was there.
  func makeFolder(_ path: String) throws(ObjectStoreError) -> Bool {
    try check(.makeDirectory, path)
    if mkdir(path, 0o750) == 0 { return true }
    guard errno == EEXIST else { throw Self.failure(.makeDirectory, path) }
    guard let status = try status(of: path, followsLinks: true), status.st_mode & S_IFMT == S_IFDIR else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "\(path) is an object, so nothing can be stored below it: a file system has no folder and "
          + "file of one name")
    }
    return false
  }

  /// Of the name itself, a symbolic link not followed; nil when it is not there.
  func status(of path: String, followsLinks: Bool = false) throws(ObjectStoreError) -> stat? {
    try check(.status, path)
    var information = stat()
    guard fstatat(AT_FDCWD, path, &information, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Self.failure(.status, path)
    }
    return information
  }

  func status(of file: OpenFile) throws(ObjectStoreError) -> stat {
    try check(.status, file.path)
    var information = stat()
    guard fstat(file.number, &information) == 0 else { throw Self.failure(.status, file.path) }
    return information
  }

  /// The whole of a small file (1 MiB at most is read), links followed: configuration, not objects. Nil when there is
  /// none.
  func contents(of path: String) throws(ObjectStoreError) -> [UInt8]? {
    try check(.open, path)
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Self.failure(.open, path)
    }
    let file = OpenFile(number: number, path: path)
    let buffer = ChunkBuffer(capacity: 1024 * 1024)
    return Array(buffer.first(try read(file, at: 0, into: buffer.memory)))
  }

  func size(of file: OpenFile) throws(ObjectStoreError) -> Int64 { Int64(try status(of: file).st_size) }

  /// The names in a folder, in no order; nil when there is no such folder.
  func names(in path: String) throws(ObjectStoreError) -> [String]? {
    try check(.list, path)
    guard let folder = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Self.failure(.list, path)
    }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw Self.failure(.list, path) }
    return names
  }

  private func check(_ operation: Operation, _ path: String) throws(ObjectStoreError) {
    if let fault, let number = fault(operation, path) { throw Self.failure(operation, path, number) }
  }

  static func failure(_ operation: Operation, _ path: String, _ number: Int32 = errno) -> ObjectStoreError {
    let what = "\(path): \(operation.rawValue) failed: \(String(cString: strerror(number))) (errno \(number))"
    switch number {
    case ENOSPC, EDQUOT:
      return ObjectStoreError(.noSpace, "\(what); free space or raise the quota, then it goes on", isRetriable: true)
    case EROFS:
      return ObjectStoreError(.forbidden, "\(what); mount the file system writable, or choose another folder")
    case EACCES, EPERM:
      return ObjectStoreError(.forbidden, "\(what); give this user the right to read and write the folder")
    case ENOENT, ENOTDIR:
      return ObjectStoreError(.noSuchContainer, "\(what); is the folder still there, and its disk mounted?")
    case ELOOP:
      return ObjectStoreError(.io, "\(what); symbolic links in the place of objects are not followed: remove it")
    case ENAMETOOLONG:
      return ObjectStoreError(.invalidConfiguration, "\(what); choose a shorter folder or key")
    case EMFILE, ENFILE, ENOMEM, ESTALE, ETIMEDOUT, EAGAIN, EBUSY:
      return ObjectStoreError(.unavailable, what, isRetriable: true)
    default:
      return ObjectStoreError(.io, "\(what); check the disk", isRetriable: true)
    }
  }
}

/// An open file, closed when the last user lets go of it: reads may still be on their way when a call has ended.
final class OpenFile: Sendable {
  let number: Int32
  let path: String

  init(number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  deinit { close(number) }
}
