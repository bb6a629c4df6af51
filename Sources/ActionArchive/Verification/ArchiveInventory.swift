import ObjectStores

/// Every name in an archive, sorted by partition. Memory follows the number of objects (some 200 bytes each).
struct ArchiveInventory {
  struct Place: Hashable, Comparable {
    let topic: String
    let partition: Int32

    static func < (left: Place, right: Place) -> Bool {
      (left.topic, left.partition) < (right.topic, right.partition)
    }
  }

  struct Partition {
    var manifests: Set<Int64> = []
    var signatures: Set<Int64> = []
    var cuts: Set<Int64> = []
    /// Sizes by key; those a manifest names are taken out.
    var objects: [String: Int64] = [:]
  }

  var partitions: [Place: Partition] = [:]
  /// Keys that nothing here writes.
  var strangers: [String] = []
  var bytes: Int64 = 0
  var objects = 0

  /// Objects first, then what names them: an archiver may be at work, and it writes an object after the record of its
  /// cut. So every object that is listed has its record listed too.
  static func take(_ store: any ObjectStore) async throws -> ArchiveInventory {
    var inventory = ArchiveInventory()
    try await inventory.list(store, prefix: "") { !isBookkeeping($0) }
    try await inventory.list(store, prefix: "_", isBookkeeping)
    return inventory
  }

  private static func isBookkeeping(_ key: String) -> Bool {
    key.hasPrefix(ArchiveKey.cutFolder) || key.hasPrefix(ArchiveKey.manifestFolder)
  }

  private mutating func list(
    _ store: any ObjectStore, prefix: String, _ isWanted: (String) -> Bool
  ) async throws {
    var after: String?
    repeat {
      let page = try await store.list(prefix: prefix, after: after)
      for object in page.objects where isWanted(object.key) { note(object) }
      after = page.next
    } while after != nil
  }

  private mutating func note(_ object: ObjectFacts) {
    bytes &+= object.size
    objects += 1
    switch ArchiveKey(object.key) {
    case .object(let name)?:
      partitions[Place(topic: name.topic, partition: name.partition), default: .init()].objects[object.key] =
        object.size
    case .manifest(let topic, let partition, let sequence)?:
      partitions[Place(topic: topic, partition: partition), default: .init()].manifests.insert(sequence)
    case .signature(let topic, let partition, let sequence)?:
      partitions[Place(topic: topic, partition: partition), default: .init()].signatures.insert(sequence)
    case .cut(let topic, let partition, let first)?:
      partitions[Place(topic: topic, partition: partition), default: .init()].cuts.insert(first)
    case nil: strangers.append(object.key)
    }
  }
}
