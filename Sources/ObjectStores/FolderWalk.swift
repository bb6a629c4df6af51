/// One page of a list, made of folders' contents: for stores that can list a folder, but not all keys in the order of
/// their bytes. (`a-b` stands before `a/1`, though `a` stands before `a-b`.)
struct FolderWalk: Sendable {
  struct Entry: Sendable, Equatable {
    /// Without its folder. A folder's ends with `/`: so it sorts among whole keys.
    var name: String
    /// Nil for a folder.
    var size: Int64?
  }

  /// Keys of ours have far fewer parts; deeper folders are not ours.
  static let depthMax = 64

  let prefix: String
  let after: String?
  let objectsMax: Int
  /// What a folder holds, in any order. A folder's name is empty, or ends with `/`.
  let entries: @Sendable (_ folder: String, _ walk: FolderWalk) async throws(ObjectStoreError) -> [Entry]

  func page() async throws(ObjectStoreError) -> ObjectListing {
    var objects: [ObjectFacts] = []
    let isComplete = try await walk(folder: "", depth: 0, into: &objects)
    return ObjectListing(objects: objects, next: isComplete ? nil : objects.last?.key)
  }

  /// - Returns: False when the page is full and more may follow.
  private func walk(
    folder: String, depth: Int, into objects: inout [ObjectFacts]
  ) async throws(ObjectStoreError) -> Bool {
    for entry in try await entries(folder, self).sorted(by: { ObjectKey.precedes($0.name, $1.name) }) {
      let key = folder + entry.name
      if let size = entry.size {
        guard isObject(key) else { continue }
        if objects.count == objectsMax { return false }
        objects.append(ObjectFacts(key: key, size: size))
      } else if isWanted(key), depth < Self.depthMax {
        guard try await walk(folder: key, depth: depth + 1, into: &objects) else { return false }
      }
    }
    return true
  }

  /// Whether the page can have a key that begins with this.
  func isWanted(_ beginning: String) -> Bool {
    guard ObjectKey.begins(beginning, with: prefix) || ObjectKey.begins(prefix, with: beginning) else { return false }
    guard let after else { return true }
    return ObjectKey.precedes(after, beginning) || ObjectKey.begins(after, with: beginning)
  }

  func isObject(_ key: String) -> Bool {
    ObjectKey.begins(key, with: prefix) && after.map { ObjectKey.precedes($0, key) } ?? true
  }
}
