#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The system calls of a spool, in one place: each failure becomes an `EmitError`, and a test can make any of them
/// fail. All of them may block; none is called by those who emit.
final class SpoolDisk: Sendable {
  enum Operation: String, Sendable, CaseIterable {
    case makeDirectory, open, lock, read, allocate, write, map, sync, rename, unlink
  }

  /// Asked before every call: an error number makes the call fail with it, without being made; ``shortWrite`` makes a
  /// write take a part of what it is given.
  typealias Fault = @Sendable (Operation) -> Int32?
  static let shortWrite: Int32 = -1
  private let fault: Fault?
  private let boot: [UInt8]?

  /// - Parameter boot: stands in for the id of the system's start.
  init(fault: Fault? = nil, boot: [UInt8]? = nil) {
    self.fault = fault
    self.boot = boot
  }

  private func check(_ operation: Operation, _ path: @autoclosure () -> String) throws(EmitError) {
    if let number = fault?(operation), number != Self.shortWrite { throw .spool(operation, path(), number) }
  }

  /// Makes a directory and those above it. What is made here holds audited actions: it is its owner's alone.
  func makeDirectory(_ path: String) throws(EmitError) {
    try check(.makeDirectory, path)
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
      if mkdir(partial, 0o700) != 0 && errno != EEXIST { throw .spool(.makeDirectory, partial, errno) }
    }
    var information = stat()
    guard stat(path, &information) == 0 else { throw .spool(.makeDirectory, path, errno) }
    guard information.st_mode & S_IFMT == S_IFDIR else { throw .spool(.makeDirectory, path, ENOTDIR) }
  }

  func open(_ path: String, flags: Int32) throws(EmitError) -> SpoolDescriptor {
    try check(.open, path)
    let number = Glibc.open(path, flags | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw .spool(.open, path, errno) }
    return SpoolDescriptor(number: number)
  }

  /// Locks a file for this process until the descriptor goes.
  func lock(_ path: String) throws(EmitError) -> SpoolDescriptor {
    let file = try open(path, flags: O_RDWR | O_CREAT)
    try check(.lock, path)
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else { throw .spool(.lock, path, errno) }
      throw EmitError(
        .spool, "another process has the spool in \(path)", hint: "give each emitter a spool directory of its own",
        isRetriable: true)
    }
    return file
  }

  /// Names in a directory, in ascending order.
  func names(in path: String) throws(EmitError) -> [String] {
    try check(.read, path)
    guard let directory = opendir(path) else { throw .spool(.read, path, errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.sorted()
  }

  /// The whole of a file; nil when it does not exist. No more than `bytesMax`.
  func contents(of path: String, bytesMax: Int) throws(EmitError) -> [UInt8]? {
    let file: SpoolDescriptor
    do throws(EmitError) { file = try open(path, flags: O_RDONLY) } catch {
      if error.systemError == ENOENT { return nil }
      throw error
    }
    try check(.read, path)
    var information = stat()
    guard fstat(file.number, &information) == 0 else { throw .spool(.read, path, errno) }
    let count = min(Int(information.st_size), bytesMax)
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        pread(file.number, $0.baseAddress.map { $0 + done }, count - done, done)
      }
      if got < 0 {
        if errno == EINTR { continue }
        throw .spool(.read, path, errno)
      }
      if got == 0 { break }
      done += got
    }
    return Array(bytes.prefix(done))
  }

  /// Makes a file of `count` bytes whose room on disk is taken, beginning with `head`, under its name only once all of
  /// that is done.
  func create(_ path: String, head: [UInt8], count: Int) throws(EmitError) {
    let temporary = path + ".new"
    do throws(EmitError) {
      let file = try open(temporary, flags: O_RDWR | O_CREAT | O_TRUNC)
      try check(.allocate, temporary)
      let failure = posix_fallocate(file.number, 0, off_t(count))
      guard failure == 0 else { throw .spool(.allocate, temporary, failure) }
      try write(head, to: file, temporary)
      try sync(file, temporary)
      try check(.rename, temporary)
      guard Glibc.rename(temporary, path) == 0 else { throw .spool(.rename, temporary, errno) }
    } catch {
      // Its room, if any, is what others need.
      _ = Glibc.unlink(temporary)
      throw error
    }
  }

  private func write(_ bytes: [UInt8], to file: SpoolDescriptor, _ path: String) throws(EmitError) {
    var done = 0
    while done < bytes.count {
      var count = bytes.count - done
      if let number = fault?(.write) {
        guard number == Self.shortWrite else { throw .spool(.write, path, number) }
        count = (count + 1) / 2
      }
      let written = bytes.withUnsafeBytes { pwrite(file.number, $0.baseAddress.map { $0 + done }, count, off_t(done)) }
      if written < 0 {
        if errno == EINTR { continue }
        throw .spool(.write, path, errno)
      }
      if written == 0 { throw .spool(.write, path, EIO) }
      done += written
    }
  }

  private func sync(_ file: SpoolDescriptor, _ path: String) throws(EmitError) {
    try check(.sync, path)
    guard fdatasync(file.number) == 0 else { throw .spool(.sync, path, errno) }
  }

  /// Makes created, renamed and removed names durable.
  func syncDirectory(_ path: String) throws(EmitError) {
    try sync(try open(path, flags: O_RDONLY | O_DIRECTORY), path)
  }

  /// Maps a file that has at least `count` bytes, for reading and writing.
  func map(_ path: String, count: Int) throws(EmitError) -> SpoolMapping {
    let file = try open(path, flags: O_RDWR)
    try check(.map, path)
    var information = stat()
    guard fstat(file.number, &information) == 0 else { throw .spool(.map, path, errno) }
    // To touch a mapping beyond the end of its file would end the process.
    guard Int(information.st_size) >= count, count > 0 else { throw .spool(.map, path, EINVAL) }
    guard let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0), address != MAP_FAILED
    else { throw .spool(.map, path, errno) }
    return SpoolMapping(bytes: UnsafeMutableRawBufferPointer(start: address, count: count))
  }

  func sync(_ mapping: SpoolMapping, _ path: String) throws(EmitError) {
    try check(.sync, path)
    guard msync(mapping.bytes.baseAddress, mapping.bytes.count, MS_SYNC) == 0 else { throw .spool(.sync, path, errno) }
  }

  /// Removes a file; one that is not there is no error.
  func unlink(_ path: String) throws(EmitError) {
    try check(.unlink, path)
    guard Glibc.unlink(path) == 0 || errno == ENOENT else { throw .spool(.unlink, path, errno) }
  }

  /// Which start of the system this is; empty where the system does not tell.
  func bootID() -> [UInt8] {
    if let boot { return boot }
    guard let file = try? open("/proc/sys/kernel/random/boot_id", flags: O_RDONLY) else { return [] }
    var bytes = [UInt8](repeating: 0, count: 64)
    let got = bytes.withUnsafeMutableBytes { read(file.number, $0.baseAddress, $0.count) }
    return Array(bytes.prefix(max(0, got)))
  }
}

/// An open file; closed when the last reference goes.
final class SpoolDescriptor: Sendable {
  let number: Int32
  init(number: Int32) { self.number = number }
  deinit { close(number) }
}

/// A mapping of a file, removed when the last reference goes. What is stored in it is the file's even if the process
/// is killed the moment after.
final class SpoolMapping: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer
  init(bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }
  deinit { munmap(bytes.baseAddress, bytes.count) }
}

extension EmitError {
  static func spool(_ operation: SpoolDisk.Operation, _ path: String, _ number: Int32) -> EmitError {
    EmitError(
      .spool, "the spool cannot \(operation.rawValue) \(path): \(String(cString: strerror(number)))",
      hint: [ENOSPC, EDQUOT].contains(number) ? "make room on its disk" : "look at the folder and its rights",
      isRetriable: true, systemError: number)
  }

  var isDiskFull: Bool { systemError == ENOSPC || systemError == EDQUOT }

  static let spoolFull = EmitError(
    .spoolFull, "the spool holds all it may, and Kafka does not take any of it",
    hint: "check that the brokers can be reached, and the room on the spool's disk", isRetriable: true)
}
