import AuditActions
import Synchronization

/// Every queue the store has seen, for readers: its groups and lifetime counters. In memory; the catalog is its copy
/// on disk.
final class QueueDirectory: Sendable {
  /// What became of the records of one queue and partition. Every one is counted once:
  /// `received = live + expired + rejected`, where the live ones are those of the indexes above the floor that have not
  /// expired.
  struct Counters: Sendable, Equatable {
    /// Records read from the topic; the ordinal of the latest.
    var received: UInt64 = 0
    /// Of these, those whose TTL had passed before they could be stored.
    var expiredOnArrival: UInt64 = 0
    /// Of these, those that expired, or were over the queue's bound, and went with their segment.
    var expiredUnlinked: UInt64 = 0
    /// Of these, those that broke the contract.
    var rejected: UInt64 = 0
    /// Records that came again and had been stored before; not among the received.
    var duplicates: UInt64 = 0
    /// Offset of the latest record.
    var lastOffset: Int64 = -1
    /// The latest record that no index holds, or holds any more.
    var unindexed = Place(offset: -1, ordinal: 0)
    /// The latest record that is over what the queue keeps (`audit.retention`): it and all before it are expired for
    /// readers. Never goes back.
    var floor = Place(offset: -1, ordinal: 0)
    /// Actions that went over the bound before their TTL had passed.
    var overRetention: UInt64 = 0
  }

  /// A record's place, in the topic and in the count.
  struct Place: Sendable, Equatable {
    var offset: Int64
    var ordinal: UInt64

    mutating func raise(to other: Place) {
      if other.offset > offset { self = other }
    }
  }

  /// What a reader is told of a group.
  struct Facts: Sendable {
    var group: Group
    var counters: Counters
    var rejections: Rejections
    var frontier: ReadFrontier
  }

  fileprivate struct State {
    /// By queue, ascending by partition.
    var groups: [QueueKey: [Group]] = [:]
    var counters: [Counters] = []
    var frontiers: [ReadFrontier] = []
    var rejections: [UInt32: Rejections] = [:]
    /// Records not wanted by their queues, by reason.
    var dropped: [String: UInt64] = [:]
    /// Queue names of a project, ascending.
    var queues: [String: [String]] = [:]
    var movedFrontiers: Set<UInt32> = []
  }

  private let state = Mutex(State())
  /// Whether a group has a floor.
  private let hasFloors = Atomic(false)

  /// Makes a group known; its number is the count of those before it.
  func register(
    key: QueueKey, partition: Int32, counters: Counters = .init(), frontier: ReadFrontier.State = .init(),
    rejections: Rejections? = nil
  ) -> Group {
    state.withLock { state in
      let group = Group(number: UInt32(state.counters.count), partition: partition, key: key)
      if counters.floor.ordinal > 0 { hasFloors.store(true, ordering: .relaxed) }
      state.counters.append(counters)
      state.frontiers.append(ReadFrontier(frontier))
      if let rejections { state.rejections[group.number] = rejections }
      if state.groups[key] == nil, let address = key.address {
        Self.insert(address.queue, into: &state.queues[address.project, default: []])
      }
      var groups = state.groups[key] ?? []
      groups.insert(group, at: groups.firstIndex { $0.partition > partition } ?? groups.count)
      state.groups[key] = groups
      return group
    }
  }

  private static func insert(_ name: String, into names: inout [String]) {
    let at = Self.firstIndex(in: names, notBefore: name)
    if at == names.count || names[at] != name { names.insert(name, at: at) }
  }

  private static func firstIndex(in names: [String], notBefore name: String) -> Int {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if names[middle] < name { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// What is known of a queue, ascending by partition; empty for one never seen.
  func facts(of key: QueueKey) -> [Facts] {
    state.withLock { state in (state.groups[key] ?? []).map { state.facts(of: $0) } }
  }

  /// The same of a queue that has one partition; nil for another.
  func soleFacts(of key: QueueKey) -> Facts? {
    state.withLock { state in
      guard let groups = state.groups[key], groups.count == 1 else { return nil }
      return state.facts(of: groups[0])
    }
  }

  /// What is known of every queue.
  func allFacts() -> [Facts] {
    state.withLock { state in state.groups.values.joined().map { state.facts(of: $0) } }
  }

  /// The writer's, when it makes a batch or the loss of a segment visible.
  /// - Parameter dropped: nil: as it is.
  func update(
    _ counters: [(group: UInt32, counters: Counters)], rejections: [UInt32: Rejections] = [:],
    dropped: [String: UInt64]? = nil
  ) {
    state.withLock { state in
      if let dropped { state.dropped = dropped }
      for change in counters {
        state.counters[Int(change.group)] = change.counters
        if change.counters.floor.ordinal > 0 { hasFloors.store(true, ordering: .relaxed) }
      }
      state.rejections.merge(rejections) { $1 }
    }
  }

  // MARK: The read frontier

  func noteMoved(_ group: UInt32) { state.withLock { _ = $0.movedFrontiers.insert(group) } }

  /// The groups whose frontier has moved since this was last asked.
  func takeMovedFrontiers() -> [UInt32: ReadFrontier.State] {
    state.withLock { state in
      defer { state.movedFrontiers.removeAll(keepingCapacity: true) }
      return Dictionary(
        uniqueKeysWithValues: state.movedFrontiers.map { ($0, state.frontiers[Int($0)].takeForCheckpoint()) })
    }
  }

  /// How far a queue's actions of a partition are over what it keeps.
  func floor(of queue: QueueAddress, partition: Int32) -> Place {
    let none = Place(offset: -1, ordinal: 0)
    guard hasFloors.load(ordering: .relaxed) else { return none }
    let key = QueueKey(queue.key)
    return state.withLock { state in
      state.groups[key]?.first { $0.partition == partition }.map { state.counters[Int($0.number)].floor } ?? none
    }
  }

  func frontier(of group: UInt32) -> ReadFrontier { state.withLock { $0.frontiers[Int(group)] } }

  // MARK: Names

  /// Queues of a project after `name`, ascending.
  func queues(of project: String, after name: String?, limit: Int) -> [String] {
    state.withLock { state in
      guard let names = state.queues[project] else { return [] }
      var start = 0
      if let name {
        start = Self.firstIndex(in: names, notBefore: name)
        if start < names.count && names[start] == name { start += 1 }
      }
      return Array(names[start...].prefix(limit))
    }
  }

  /// Records not wanted by their queues, by reason.
  var dropped: [String: UInt64] { state.withLock { $0.dropped } }

  var queueCount: Int { state.withLock { $0.groups.count } }
}

extension QueueDirectory.State {
  fileprivate func facts(of group: Group) -> QueueDirectory.Facts {
    let index = Int(group.number)
    return QueueDirectory.Facts(
      group: group, counters: counters[index],
      rejections: counters[index].rejected > 0 ? rejections[group.number] ?? Rejections() : Rejections(),
      frontier: frontiers[index])
  }
}

extension QueueKey {
  /// Nil for a key that breaks the contract (never stored).
  var address: QueueAddress? {
    try? bytes.withUnsafeBytes { try QueueAddress(key: $0) }
  }
}
