#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One page of the files below a folder, in the order of their whole keys' bytes.
struct FileWalk: Sendable {
  /// Keys of ours have far fewer parts; deeper folders are not ours.
  private static let depthMax = 64

  let root: String
  let files: LocalFiles
  let prefix: String
  let after: String?
  let objectsMax: Int

  func page() throws(ObjectStoreError) -> ObjectListing {
    var objects: [ObjectFacts] = []
    guard try files.names(in: root) != nil else { throw LocalFiles.failure(.list, root, ENOENT) }
    let isComplete = try walk(folder: "", depth: 0, into: &objects)
    return ObjectListing(objects: objects, next: isComplete ? nil : objects.last?.key)
  }

  /// - Parameter folder: Empty, or a beginning of keys that ends with `/`.
  /// - Returns: False when the page is full and more may follow.
  private func walk(folder: String, depth: Int, into objects: inout [ObjectFacts]) throws(ObjectStoreError) -> Bool {
    let path = root == "/" ? "/" + folder : root + "/" + folder
    for (name, size) in try entries(of: path, folder: folder, depth: depth) {
      let key = folder + name
      guard let size else {
        guard try walk(folder: key, depth: depth + 1, into: &objects) else { return false }
        continue
      }
      if objects.count == objectsMax { return false }
      objects.append(ObjectFacts(key: key, size: size))
    }
    return true
  }

  /// What of a folder can hold keys of the page, ascending: files with their sizes, folders with a `/` behind the name,
  /// for so they sort among whole keys.
  private func entries(
    of path: String, folder: String, depth: Int
  ) throws(ObjectStoreError) -> [(name: String, size: Int64?)] {
    var entries: [(name: String, size: Int64?)] = []
    for name in try files.names(in: path) ?? [] where !name.hasPrefix(ObjectKey.reservedBeginning) {
      guard isWanted(folder + name) || isWanted(folder + name + "/") else { continue }
      guard let status = try files.status(of: path + name) else { continue }  // removed meanwhile
      if status.st_mode & S_IFMT == S_IFDIR {
        guard depth < Self.depthMax else { continue }
        entries.append((name + "/", nil))
      } else if isObject(folder + name) {
        entries.append((name, Int64(status.st_size)))
      }
    }
    return entries.sorted { ObjectKey.precedes($0.name, $1.name) }
  }

  /// Whether a key may begin with this.
  private func isWanted(_ beginning: String) -> Bool {
    guard ObjectKey.begins(beginning, with: prefix) || ObjectKey.begins(prefix, with: beginning) else { return false }
    guard let after else { return true }
    return ObjectKey.precedes(after, beginning) || ObjectKey.begins(after, with: beginning)
  }

  private func isObject(_ key: String) -> Bool {
    ObjectKey.begins(key, with: prefix) && after.map { ObjectKey.precedes($0, key) } ?? true
  }
}
