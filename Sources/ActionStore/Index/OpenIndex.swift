import Synchronization

/// The index of a segment that is still written to, in memory.
///
/// Split into shards, each with its own lock, held by the writer for one insertion and by a reader for one copy: no
/// reader waits for a batch. A batch becomes visible as a whole all the same, because readers ignore entries beyond
/// the offsets of their snapshot.
final class OpenIndex: Sendable {
  struct List {
    var entries: ContiguousArray<IndexEntry> = []
    var isExpiryAscending = true
  }

  private static let shardCount = 64
  private let shards: [Shard]

  private final class Shard: Sendable {
    let lists = Mutex<[UInt32: List]>([:])
  }

  init() { shards = (0..<Self.shardCount).map { _ in Shard() } }

  private func shard(_ group: UInt32) -> Shard { shards[Int(group) & (Self.shardCount - 1)] }

  func insert(_ entry: IndexEntry, group: UInt32) {
    shard(group).lists.withLock { lists in
      Self.append(entry, to: &lists[group, default: List()])
    }
  }

  private static func append(_ entry: IndexEntry, to list: inout List) {
    if let last = list.entries.last, entry.expiresMilliseconds < last.expiresMilliseconds {
      list.isExpiryAscending = false
    }
    list.entries.append(entry)
  }

  func withList<R: Sendable>(of group: UInt32, _ body: (EntryList?) -> R) -> R {
    shard(group).lists.withLock { lists in
      guard let list = lists[group] else { return body(nil) }
      return list.entries.withUnsafeBufferPointer {
        body(EntryList(entries: $0, isExpiryAscending: list.isExpiryAscending))
      }
    }
  }

  func forEachList(_ visit: (UInt32, EntryList) -> Void) {
    for (group, list) in allLists() {
      list.entries.withUnsafeBufferPointer {
        visit(group, EntryList(entries: $0, isExpiryAscending: list.isExpiryAscending))
      }
    }
  }

  func allLists(_ holds: (UInt32, EntryList) -> Bool) -> Bool {
    allLists().allSatisfy { group, list in
      list.entries.withUnsafeBufferPointer {
        holds(group, EntryList(entries: $0, isExpiryAscending: list.isExpiryAscending))
      }
    }
  }

  /// Everything, for the index file. Called when no more is inserted.
  func allLists() -> [UInt32: List] {
    var all: [UInt32: List] = [:]
    for shard in shards { shard.lists.withLock { all.merge($0) { first, _ in first } } }
    return all
  }
}
