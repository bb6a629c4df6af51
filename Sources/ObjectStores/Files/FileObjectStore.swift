import CoreMetrics
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Objects as files below a folder that exists.
///
/// An object appears whole or not at all: it is written under another name in its folder, synced, given its name
/// without replacing, and the folder is synced. Left-overs of writers that died are removed when the next object is
/// written to that folder.
final class FileObjectStore: ObjectStore {
  let location: String
  private let writer: FileWriter
  private let root: String
  private let files: LocalFiles
  private let limits: ObjectStoreLimits
  private let metrics: StoreMetrics

  /// - Parameter url: `file:///folder`, no options.
  convenience init(
    _ url: StoreURL, limits: ObjectStoreLimits = ObjectStoreLimits(),
    metricsFactory: any MetricsFactory = MetricsSystem.factory, files: LocalFiles = LocalFiles(), logger: Logger
  ) throws(ObjectStoreError) {
    try url.check(knownOptions: [])
    guard url.authority.isEmpty || url.authority == "localhost" else {
      throw ObjectStoreError(
        .invalidConfiguration, "a file URL has three slashes: file:///folder (an absolute path, on this machine)")
    }
    self.init(
      root: "/" + url.path, limits: try limits.checked(), metricsFactory: metricsFactory, files: files, logger: logger)
  }

  init(
    root: String, limits: ObjectStoreLimits = ObjectStoreLimits(),
    metricsFactory: any MetricsFactory = MetricsSystem.factory, files: LocalFiles, logger: Logger
  ) {
    metrics = StoreMetrics(store: "file", factory: metricsFactory)
    self.root = root
    self.files = files
    self.limits = limits
    location = "file://" + PercentEncoding.encoded(root, keepsSlash: true)
    writer = FileWriter(root: root, files: files, logger: logger)
  }

  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    try ObjectKey.check(object.key)
    let writer = writer
    let outcome = try await metrics.count(.put) { () throws(ObjectStoreError) in
      try await BlockingWork.run { () throws(ObjectStoreError) in try writer.put(object) }
    }
    if outcome == .stored { metrics.countSent(bytes: object.size) }
    return outcome
  }

  func read(
    _ key: String, from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> ObjectFacts {
    try ObjectKey.check(key)
    let (files, path) = (files, path(of: key))
    let (file, size) = try await metrics.count(.read) { () throws(ObjectStoreError) in
      try await BlockingWork.run { () throws(ObjectStoreError) in
        guard let file = try files.openForReading(path) else { throw Self.notFound(key) }
        return (file, try files.size(of: file))
      }
    }
    try checkOffset(offset, size: size, key: key)
    let buffer = ChunkBuffer()
    var position = offset
    while position < size {
      let at = position
      let count = try await BlockingWork.run { () throws(ObjectStoreError) in
        try files.read(file, at: at, into: buffer.memory)
      }
      guard count > 0 else {
        throw ObjectStoreError(.invalidAnswer, "\(path) became shorter while it was read: something alters the archive")
      }
      let wanted = min(Int64(count), size - position)
      try await consume(buffer.first(Int(wanted)))
      position += wanted
      metrics.countReceived(bytes: wanted)
    }
    return ObjectFacts(key: key, size: size)
  }

  func facts(of key: String) async throws(ObjectStoreError) -> ObjectFacts? {
    try ObjectKey.check(key)
    let (files, path) = (files, path(of: key))
    return try await BlockingWork.run { () throws(ObjectStoreError) in
      guard let file = try files.openForReading(path) else { return nil }
      return ObjectFacts(key: key, size: try files.size(of: file))
    }
  }

  func list(prefix: String, after: String?) async throws(ObjectStoreError) -> ObjectListing {
    let (files, root) = (files, root)
    let walk = FolderWalk(prefix: prefix, after: after, objectsMax: limits.listObjectsMax) {
      folder, walk throws(ObjectStoreError) in
      try await BlockingWork.run { () throws(ObjectStoreError) in
        try Self.entries(of: folder, root: root, files: files, walk)
      }
    }
    return try await metrics.count(.list) { () throws(ObjectStoreError) in try await walk.page() }
  }

  /// What a folder holds that the page can have; what is looked at costs a system call each.
  private static func entries(
    of folder: String, root: String, files: LocalFiles, _ walk: FolderWalk
  ) throws(ObjectStoreError) -> [FolderWalk.Entry] {
    let path = (root == "/" ? "/" : root + "/") + folder
    guard let names = try files.names(in: path) else {
      if folder.isEmpty { throw LocalFiles.failure(.list, root, ENOENT) }
      return []  // removed meanwhile
    }
    var entries: [FolderWalk.Entry] = []
    for name in names where !name.hasPrefix(ObjectKey.reservedBeginning) {
      guard walk.isWanted(folder + name) || walk.isWanted(folder + name + "/") else { continue }
      guard let status = try files.status(of: path + name) else {
        // Removed meanwhile; or its name is no UTF-8, and it is shown as far as it can be: it is no object of ours.
        if name.unicodeScalars.contains("\u{FFFD}") { entries.append(.init(name: name, size: 0)) }
        continue
      }
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      entries.append(isFolder ? .init(name: name + "/", size: nil) : .init(name: name, size: Int64(status.st_size)))
    }
    return entries
  }

  func prepare() async throws(ObjectStoreError) {
    let writer = writer
    try await BlockingWork.run { () throws(ObjectStoreError) in try writer.prepare() }
  }

  func close() async {}

  private func path(of key: String) -> String { root == "/" ? "/" + key : root + "/" + key }

  static func notFound(_ key: String) -> ObjectStoreError {
    ObjectStoreError(.notFound, "there is no object '\(ObjectKey.shown(key))'")
  }
}

/// - Throws: `invalidConfiguration` for an offset outside the object; `size` itself is its end.
func checkOffset(_ offset: Int64, size: Int64, key: String) throws(ObjectStoreError) {
  guard offset >= 0, offset <= size else {
    throw ObjectStoreError(
      .invalidConfiguration, "offset \(offset) is outside of '\(ObjectKey.shown(key))', which has \(size) bytes")
  }
}
