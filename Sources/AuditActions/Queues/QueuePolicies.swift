/// What is kept of each queue, to be asked once a record: a table over the bytes of record keys, so that asking neither
/// allocates nor counts references.
///
/// A value: whoever reads keeps the table as it was when he took it; the one who changes it pays for the copy.
package struct QueuePolicies: Sendable {
  /// What holds for one queue.
  package struct Policy: Sendable, Equatable {
    package var isAudited: Bool
    /// For records that name no time to live, in seconds; 0: the node's default.
    package var timeToLiveSeconds: Int32 = 0
    /// The queue's allow list among those of the table; −1: every type.
    fileprivate var list: Int32 = -1

    package var hasAllowList: Bool { list >= 0 }
  }

  private struct Entry {
    var hash: UInt32
    var keyStart: Int
    var keyCount: Int
    var policy: Policy
  }

  package let auditDefault: AuditDefault
  private var slots: [Int32]
  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var lists: [AllowList] = []
  /// Lists of queues that have none any more, to be used again.
  private var freeLists: [Int32] = []
  /// How many queues differ from what the default says.
  private var exceptions = 0
  /// What queues keep at most, for those that have a bound.
  package private(set) var retentions: [QueueAddress: QueueAudit.Retention] = [:]
  /// How often ``retentions`` has changed.
  package private(set) var retentionChanges: UInt64 = 0

  package init(default policy: AuditDefault) {
    auditDefault = policy
    slots = Array(repeating: -1, count: 16)
  }

  /// Whether every action of every queue is kept for the node's time: then nobody need ask.
  package var keepsEverything: Bool { auditDefault == .all && exceptions == 0 }

  private var byDefault: Policy { Policy(isAudited: auditDefault == .all) }

  /// What holds for the queue of a record key (`project/queue`).
  package func policy(of key: UnsafeRawBufferPointer) -> Policy {
    guard let index = index(of: key, hash: eventHash(key)) else { return byDefault }
    return entries[index].policy
  }

  package func policy(of queue: QueueAddress) -> Policy {
    var key = queue.key
    return key.withUTF8 { policy(of: UnsafeRawBufferPointer($0)) }
  }

  /// Whether a queue's allow list names an event.
  /// - Parameters:
  ///   - event: its text, unescaped.
  ///   - hash: ``eventHash(_:)-(UnsafeRawBufferPointer)`` of it.
  package func allows(_ event: UnsafeRawBufferPointer, hash: UInt32, _ policy: Policy) -> Bool {
    guard policy.list >= 0 else { return true }
    return lists[Int(policy.list)].contains(event, hash: hash)
  }

  /// The same of a record's value that has been checked.
  package func allows(
    _ body: ActionBody, in value: UnsafeRawBufferPointer, hash: UInt32, _ policy: Policy
  ) -> Bool {
    guard policy.list >= 0 else { return true }
    guard body.eventHasEscapes else {
      return allows(
        UnsafeRawBufferPointer(rebasing: value[body.event.clamped(to: 0..<value.count)]), hash: hash, policy)
    }
    var text = body.eventText(in: value)
    return text.withUTF8 { allows(UnsafeRawBufferPointer($0), hash: hash, policy) }
  }

  /// Whether an action of that type is kept.
  package func wants(_ event: String, _ policy: Policy) -> Bool {
    guard policy.isAudited else { return false }
    guard policy.hasAllowList else { return true }
    var event = event
    return event.withUTF8 { allows(UnsafeRawBufferPointer($0), hash: eventHash(UnsafeRawBufferPointer($0)), policy) }
  }

  /// Takes over what a queue's metadata says; nil: it has none.
  package mutating func set(_ audit: QueueAudit?, of queue: QueueAddress) {
    if retentions[queue] != audit?.retention {
      retentions[queue] = audit?.retention
      retentionChanges &+= 1
    }
    let key = Array(queue.key.utf8)
    let hash = key.withUnsafeBytes { eventHash($0) }
    guard let place = key.withUnsafeBytes({ index(of: $0, hash: hash) }) ?? (audit == nil ? nil : add(key, hash)) else {
      return
    }
    let before = entries[place].policy
    if before.list >= 0 {
      lists[Int(before.list)] = AllowList([])
      freeLists.append(before.list)
    }
    var policy = byDefault
    if let audit {
      policy.isAudited = audit.isEnabled(default: auditDefault)
      policy.timeToLiveSeconds = audit.timeToLive?.seconds ?? 0
      if let events = audit.events { policy.list = keep(AllowList(events)) }
    }
    entries[place].policy = policy
    exceptions += (policy == byDefault ? 0 : 1) - (before == byDefault ? 0 : 1)
  }

  private mutating func keep(_ list: AllowList) -> Int32 {
    if let free = freeLists.popLast() {
      lists[Int(free)] = list
      return free
    }
    lists.append(list)
    return Int32(truncatingIfNeeded: lists.count - 1)
  }

  private func index(of key: UnsafeRawBufferPointer, hash: UInt32) -> Int? {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while true {
      let index = Int(slots[slot])
      guard index >= 0 else { return nil }
      let entry = entries[index]
      if entry.hash == hash, entry.keyCount == key.count, matches(entry, key) { return index }
      slot = (slot + 1) & mask
    }
  }

  private func matches(_ entry: Entry, _ key: UnsafeRawBufferPointer) -> Bool {
    keys.withUnsafeBytes { keys in
      UnsafeRawBufferPointer(rebasing: keys[entry.keyStart..<(entry.keyStart + entry.keyCount)]).elementsEqual(key)
    }
  }

  /// A queue stays in the table once it was in it: names that come and go are few beside those that are used.
  private mutating func add(_ key: [UInt8], _ hash: UInt32) -> Int {
    if (entries.count + 1) * 2 > slots.count {
      slots = Array(repeating: -1, count: slots.count * 2)
      for index in entries.indices { occupy(Int32(truncatingIfNeeded: index), hash: entries[index].hash) }
    }
    let index = entries.count
    entries.append(Entry(hash: hash, keyStart: keys.count, keyCount: key.count, policy: byDefault))
    keys += key
    occupy(Int32(truncatingIfNeeded: index), hash: hash)
    return index
  }

  private mutating func occupy(_ index: Int32, hash: UInt32) {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = index
  }
}

/// The event types a queue wants, by their hashes, each compared byte by byte once its hash fits.
private struct AllowList: Sendable {
  private let hashes: [UInt32]
  private let texts: [[UInt8]]

  init(_ events: Set<ActionType>) {
    texts = events.map { Array($0.rawValue.utf8) }
    hashes = texts.map { $0.withUnsafeBytes { eventHash($0) } }
  }

  func contains(_ event: UnsafeRawBufferPointer, hash: UInt32) -> Bool {
    for index in hashes.indices where hashes[index] == hash && texts[index].elementsEqual(event) { return true }
    return false
  }
}
