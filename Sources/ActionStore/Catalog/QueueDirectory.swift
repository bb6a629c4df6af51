import AuditActions
import Synchronization

/// Every queue the store has seen, for readers: its groups and lifetime counters. In memory; the catalog is its copy
/// on disk.
final class QueueDirectory: Sendable {
  struct Counters: Sendable, Equatable {
    /// Actions received from the topic, each once; the ordinal of the latest.
    var received: UInt64 = 0
    /// Of these, those whose TTL had passed before they could be stored.
    var expiredOnArrival: UInt64 = 0
  }

  private struct State {
    var groups: [QueueKey: [Group]] = [:]
    var counters: [Counters] = []
    /// Queue names of a project, ascending.
    var queues: [String: [String]] = [:]
  }

  private let state = Mutex(State())

  /// Makes a group known; its number is the count of those before it.
  func register(key: QueueKey, partition: Int32, counters: Counters) -> Group {
    state.withLock { state in
      let group = Group(number: UInt32(state.counters.count), partition: partition, key: key)
      state.counters.append(counters)
      if state.groups[key] == nil, let address = key.address {
        Self.insert(address.queue, into: &state.queues[address.project, default: []])
      }
      state.groups[key, default: []].append(group)
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

  /// Empty for a queue never seen.
  func groups(of key: QueueKey) -> [Group] { state.withLock { $0.groups[key] ?? [] } }

  func counters(of group: Group) -> Counters { state.withLock { $0.counters[Int(group.number)] } }

  /// The writer's, once a batch.
  func update(_ changes: [(group: UInt32, counters: Counters)]) {
    state.withLock { state in
      for change in changes { state.counters[Int(change.group)] = change.counters }
    }
  }

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

  var queueCount: Int { state.withLock { $0.groups.count } }
}

extension QueueKey {
  /// Nil for a key that breaks the contract (never stored).
  var address: QueueAddress? {
    try? bytes.withUnsafeBytes { try QueueAddress(key: $0) }
  }
}
