#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The text the system has for an error number.
func systemErrorText(_ number: Int32) -> String {
  String(cString: strerror(number))
}

/// The system calls of the store, in one place: each failure becomes a `StoreError`, and a test can make any of them
/// fail.
final class FileSystem: Sendable {
  enum Operation: String, Sendable, CaseIterable {
    case open, write, truncate, sync, rename, unlink, map, makeDirectory, read
  }

  /// Asked before every call: an error number makes the call fail with it, without being made; ``shortWrite`` makes a
  /// write take a part of what it is given.
  typealias Fault = @Sendable (Operation) -> Int32?
  static let shortWrite: Int32 = -1
  private let fault: Fault?

  init(fault: Fault? = nil) { self.fault = fault }

  private func check(_ operation: Operation, _ path: @autoclosure () -> String) throws(StoreError) {
    if let number = fault?(operation), number != Self.shortWrite { throw failure(operation, path(), number) }
  }

  private func failure(_ operation: Operation, _ path: String, _ number: Int32 = errno) -> StoreError {
    let code: StoreError.Code = number == ENOSPC || number == EDQUOT ? .diskFull : .inputOutput
    return StoreError(code, "\(operation.rawValue) \(path)", systemError: number)
  }

  /// Makes a directory and those above it. What is made here holds audited actions: it is its owner's alone.
  func makeDirectory(_ path: String) throws(StoreError) {
    try check(.makeDirectory, path)
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
      if mkdir(partial, 0o700) != 0 && errno != EEXIST { throw failure(.makeDirectory, partial) }
    }
    var information = stat()
    guard stat(path, &information) == 0 else { throw failure(.makeDirectory, path) }
    guard information.st_mode & S_IFMT == S_IFDIR else { throw failure(.makeDirectory, path, ENOTDIR) }
  }

  func open(_ path: String, flags: Int32, mode: mode_t = 0o600) throws(StoreError) -> FileDescriptor {
    try check(.open, path)
    let number = Glibc.open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw failure(.open, path) }
    return FileDescriptor(number: number, path: path)
  }

  /// Writes all parts at `offset`, or throws; a short write is continued.
  func write(_ parts: [UnsafeRawBufferPointer], to file: FileDescriptor, at offset: Int) throws(StoreError) {
    var position = offset
    for part in parts {
      var done = 0
      while done < part.count {
        var count = part.count - done
        if let number = fault?(.write) {
          guard number == Self.shortWrite else { throw failure(.write, file.path, number) }
          count = (count + 1) / 2
        }
        let written = pwrite(file.number, part.baseAddress.map { $0 + done }, count, off_t(position))
        if written < 0 {
          if errno == EINTR { continue }
          throw failure(.write, file.path)
        }
        if written == 0 { throw failure(.write, file.path, EIO) }
        done += written
        position += written
      }
    }
  }

  func truncate(_ file: FileDescriptor, to length: Int) throws(StoreError) {
    try check(.truncate, file.path)
    guard ftruncate(file.number, off_t(length)) == 0 else { throw failure(.truncate, file.path) }
  }

  func sync(_ file: FileDescriptor) throws(StoreError) {
    try check(.sync, file.path)
    guard fdatasync(file.number) == 0 else { throw failure(.sync, file.path) }
  }

  /// Makes created, renamed and removed names durable.
  func syncDirectory(_ path: String) throws(StoreError) {
    let directory = try open(path, flags: O_RDONLY | O_DIRECTORY)
    try sync(directory)
  }

  func rename(_ from: String, to: String) throws(StoreError) {
    try check(.rename, from)
    guard Glibc.rename(from, to) == 0 else { throw failure(.rename, from) }
  }

  /// Removes a file; one that is not there is no error.
  func unlink(_ path: String) throws(StoreError) {
    try check(.unlink, path)
    guard Glibc.unlink(path) == 0 || errno == ENOENT else { throw failure(.unlink, path) }
  }

  func length(of file: FileDescriptor) throws(StoreError) -> Int {
    var information = stat()
    guard fstat(file.number, &information) == 0 else { throw failure(.read, file.path) }
    return Int(information.st_size)
  }

  /// Maps `capacity` bytes for reading. The file may be shorter: only bytes that were written may be touched.
  func map(_ file: FileDescriptor, capacity: Int) throws(StoreError) -> FileMapping {
    try check(.map, file.path)
    guard capacity > 0, let address = mmap(nil, capacity, PROT_READ, MAP_SHARED, file.number, 0), address != MAP_FAILED
    else { throw failure(.map, file.path, capacity > 0 ? errno : EINVAL) }
    return FileMapping(address: UnsafeRawPointer(address), capacity: capacity)
  }

  /// Asks the system to have the beginning of a file at hand, and not more; does not wait. A mapping that is touched
  /// where nothing is at hand has megabytes read around the place.
  func fetchBeginning(of file: FileDescriptor, bytes: Int) {
    // Only advice: nothing hangs on it.
    _ = posix_fadvise(file.number, 0, off_t(bytes), POSIX_FADV_WILLNEED)
  }

  /// Names in a directory, in ascending order.
  func names(in path: String) throws(StoreError) -> [String] {
    try check(.read, path)
    guard let directory = opendir(path) else { throw failure(.read, path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The whole of a small file; nil when it does not exist.
  func contents(of path: String) throws(StoreError) -> [UInt8]? {
    let file: FileDescriptor
    do { file = try open(path, flags: O_RDONLY) } catch {
      if error.systemError == ENOENT { return nil }
      throw error
    }
    let count = try length(of: file)
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, count, 0) }
    guard got == count else { throw failure(.read, path, got < 0 ? errno : EIO) }
    return bytes
  }

  /// Writes a small file so that after a crash either the old or the new content is there.
  func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600) throws(StoreError) {
    let temporary = path + ".new"
    let file = try open(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    var failure: StoreError?
    bytes.withUnsafeBytes { content in
      do throws(StoreError) { try write([content], to: file, at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
    try sync(file)
    try rename(temporary, to: path)
  }
}

/// An open file; closed when the last reference goes.
final class FileDescriptor: Sendable {
  let number: Int32
  let path: String

  init(number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  deinit { close(number) }
}

/// A mapping of a file, removed when the last reader lets go of it.
final class FileMapping: @unchecked Sendable {
  let address: UnsafeRawPointer
  let capacity: Int

  init(address: UnsafeRawPointer, capacity: Int) {
    self.address = address
    self.capacity = capacity
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: address), capacity) }
}
