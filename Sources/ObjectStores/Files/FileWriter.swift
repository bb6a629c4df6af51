import Crypto
import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes objects into folders. Every function blocks.
final class FileWriter: Sendable {
  /// Folders remembered as cleared of left-overs and durable.
  private static let foldersKnownMax = 256

  private let root: String
  private let files: LocalFiles
  private let logger: Logger
  private let foldersKnown = Mutex<Set<String>>([])

  init(root: String, files: LocalFiles, logger: Logger) {
    self.root = root
    self.files = files
    self.logger = logger
  }

  /// The folder must be there: were it made here, a disk that is not mounted would go unnoticed and the archive be
  /// written elsewhere.
  func prepare() throws(ObjectStoreError) {
    guard let status = try files.status(of: root, followsLinks: true) else {
      throw ObjectStoreError(
        .noSuchContainer, "there is no folder \(root): create it (mkdir -p), or mount the disk that should be there")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw ObjectStoreError(.noSuchContainer, "\(root) is not a folder: name one in the store's URL")
    }
    guard try files.names(in: root) != nil else { throw LocalFiles.failure(.list, root, ENOENT) }
    let (file, path) = try createTemporary(in: root)
    defer { try? files.unlink(path) }
    try withUnsafeBytesTyped(of: [1]) { bytes throws(ObjectStoreError) in try files.write(bytes, to: file) }
    try files.sync(file)
  }

  func put(_ object: NewObject) throws(ObjectStoreError) -> PutOutcome {
    let path = root == "/" ? "/" + object.key : root + "/" + object.key
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    try makeDurable(folder: folder)
    // Most repeats are seen before anything is written.
    if let existing = try files.openForReading(path) { return try compare(existing, with: object, folder: folder) }

    let (file, temporary) = try createTemporary(in: folder)
    var isNamed = false
    defer { if !isNamed { try? files.unlink(temporary) } }
    try copy(object, to: file)
    try files.sync(file)
    isNamed = try files.renameWithoutReplacing(temporary, to: path)
    guard isNamed else {
      guard let existing = try files.openForReading(path) else {
        throw ObjectStoreError(.io, "\(path) is taken by what is neither there nor not: check the file system")
      }
      return try compare(existing, with: object, folder: folder)
    }
    try files.syncFolder(folder)
    return .stored
  }

  /// Writes the content while hashing it: what is stored is what was announced, or nothing is.
  private func copy(_ object: NewObject, to file: OpenFile) throws(ObjectStoreError) {
    var hash = SHA256()
    var size: Int64 = 0
    switch object.content {
    case .bytes(let bytes):
      hash.update(data: bytes)
      size = Int64(bytes.count)
      try withUnsafeBytesTyped(of: bytes) { bytes throws(ObjectStoreError) in try files.write(bytes, to: file) }
    case .file(let source, _):
      guard let content = try files.openForReading(source) else {
        throw ObjectStoreError(.io, "the file \(source), to be stored, is gone")
      }
      let buffer = ChunkBuffer()
      while true {
        let count = try files.read(content, at: size, into: buffer.memory)
        if count == 0 { break }
        hash.update(bufferPointer: buffer.first(count))
        try files.write(buffer.first(count), to: file)
        size += Int64(count)
      }
    }
    guard size == object.size, hash.finalize().elementsEqual(object.sha256) else { throw object.contentDiffers }
  }

  private func compare(
    _ existing: OpenFile, with object: NewObject, folder: String
  ) throws(ObjectStoreError) -> PutOutcome {
    guard try files.size(of: existing) == object.size,
      try sha256(of: existing) == object.sha256
    else { throw object.conflict(at: "file://" + root) }
    // Its writer may have died before it was durable.
    try files.sync(existing)
    try files.syncFolder(folder)
    return .alreadyThere
  }

  private func sha256(of file: OpenFile) throws(ObjectStoreError) -> [UInt8] {
    var hash = SHA256()
    let buffer = ChunkBuffer()
    var offset: Int64 = 0
    while true {
      let count = try files.read(file, at: offset, into: buffer.memory)
      if count == 0 { return Array(hash.finalize()) }
      hash.update(bufferPointer: buffer.first(count))
      offset += Int64(count)
    }
  }

  /// Makes the folder and those above it, below the root, and their names durable; clears it of left-overs.
  private func makeDurable(folder: String) throws(ObjectStoreError) {
    if foldersKnown.withLock({ $0.contains(folder) }), try files.status(of: folder) != nil { return }
    var path = root
    for part in folder.dropFirst(root.count).split(separator: "/") {
      let parent = path.isEmpty ? "/" : path
      path += (path.hasSuffix("/") ? "" : "/") + part
      _ = try files.makeFolder(path)
      try files.syncFolder(parent)
    }
    removeLeftovers(in: folder.isEmpty ? "/" : folder)
    foldersKnown.withLock {
      if $0.count >= Self.foldersKnownMax { $0.removeAll() }
      $0.insert(folder)
    }
  }

  /// A new file, held by this process as long as it is open.
  private func createTemporary(in folder: String) throws(ObjectStoreError) -> (OpenFile, String) {
    for _ in 0..<16 {
      let path = folder + "/" + ObjectKey.reservedBeginning + String(UInt64.random(in: 0 ... .max), radix: 36)
      guard let file = try files.create(path) else { continue }
      // Between creation and lock, another process may have taken it for a left-over.
      if try files.lock(file), try files.status(of: file).st_nlink > 0 { return (file, path) }
    }
    throw ObjectStoreError(.io, "\(folder): found no free name for a new file", isRetriable: true)
  }

  /// A temporary file that nobody holds belongs to a process that died. Failures are left for the next time.
  private func removeLeftovers(in folder: String) {
    do {
      for name in try files.names(in: folder) ?? [] where name.hasPrefix(ObjectKey.reservedBeginning) {
        let path = folder + "/" + name
        guard let file = try files.openForReading(path), try files.lock(file) else { continue }
        try files.unlink(path)
        logger.info("removed a file that a writer left behind when it died", metadata: ["path": "\(path)"])
      }
    } catch {
      logger.warning("left-over files stay", metadata: ["folder": "\(folder)", "error": "\(error)"])
    }
  }
}

/// `withUnsafeBytes` that keeps the type of what is thrown.
func withUnsafeBytesTyped<Result>(
  of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ObjectStoreError) -> Result
) throws(ObjectStoreError) -> Result {
  do {
    return try bytes.withUnsafeBytes { try body($0) }
  } catch let error as ObjectStoreError {
    throw error
  } catch {
    throw ObjectStoreError(.io, "\(type(of: error))")
  }
}

extension NewObject {
  var contentDiffers: ObjectStoreError {
    ObjectStoreError(
      .io,
      "the content of '\(ObjectKey.shown(key))' is not what its SHA-256 and size say; nothing was stored. "
        + "Did its file change while it was sent?")
  }

  func conflict(at location: String) -> ObjectStoreError {
    ObjectStoreError(
      .conflict,
      "'\(ObjectKey.shown(key))' exists at \(location) with other content, and objects are never replaced: "
        + "does another archive write there? Choose another prefix, or remove that object if it should not be")
  }
}
