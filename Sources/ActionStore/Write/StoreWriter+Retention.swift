import AuditActions

/// What a group keeps above its floor, beside what it may.
///
/// Counted is what the indexes hold, expired or not: what has expired goes with its segment, and is counted anew then.
struct KeptActions {
  let bound: QueueAudit.Retention
  private(set) var count = 0
  private(set) var bytes = 0
  /// Up to here actions are counted.
  private(set) var end: QueueDirectory.Place

  init(_ bound: QueueAudit.Retention, above floor: QueueDirectory.Place) {
    self.bound = bound
    end = floor
  }

  /// The newest action is always kept.
  var isOver: Bool { count > 1 && (count > bound.count ?? .max || bytes > bound.bytes ?? .max) }

  mutating func add(_ entries: UnsafeBufferPointer<IndexEntry>) {
    for entry in entries { bytes += Int(entry.bodyBytes) }
    count += entries.count
    if let last = entries.last { end.raise(to: .init(offset: last.offset, ordinal: last.ordinal)) }
  }

  mutating func remove(_ entry: IndexEntry) {
    count -= 1
    bytes -= Int(entry.bodyBytes)
  }

  /// Something of it has gone from the indexes: all above the floor has to be counted again.
  mutating func forget(to floor: QueueDirectory.Place) { self = KeptActions(bound, above: floor) }
}

/// `audit.retention`: the oldest actions of a queue go when newer ones take their place.
///
/// A group has a floor, which only rises; what lies at or below it is expired for every reader, and its segment goes
/// when nothing else is left in it. A batch costs as much as it brings and pushes out, and nothing where no queue has a
/// bound.
extension StoreWriter {
  /// Takes over the bounds of all queues, and applies them.
  func setBounds(_ new: [QueueKey: QueueAudit.Retention], now: Int64) {
    let changed = Set(new.keys).union(bounds.keys).filter { new[$0] != bounds[$0] }
    guard !changed.isEmpty else { return }
    bounds = new
    var raised: [UInt32] = []
    for group in groups where changed.contains(group.key) {
      keep(new[group.key], of: group.number)
      if raiseFloor(of: group.number, now: now) { raised.append(group.number) }
    }
    guard !raised.isEmpty else { return }
    for number in raised { changedGroups.insert(number) }
    hasUncheckpointedChange = true
    let changes = raised.map { (group: $0, counters: counters[Int($0)]) }
    publishOffsets { directory in directory.update(changes) }
  }

  func keep(_ bound: QueueAudit.Retention?, of number: UInt32) {
    kept[number] = bound.map { KeptActions($0, above: counters[Int(number)].floor) }
  }

  /// Counts what is new, and moves the floor up until the rest fits the bound. False when the floor stays.
  @discardableResult
  func raiseFloor(of number: UInt32, now: Int64) -> Bool {
    guard var kept = kept[number] else { return false }
    defer { self.kept[number] = kept }
    let group = groups[Int(number)]
    let end = kept.end
    for segment in segmentLanes.joined() where segment.mayHold(partition: group.partition, after: end.offset) {
      segment.withList(of: group) { list in
        if let list { kept.add(list.suffix(above: end.ordinal).entries) }
      }
    }
    guard kept.isOver else { return false }
    var floor = counters[Int(number)].floor
    var lanes = segmentLanes.filter { !$0.isEmpty }.map {
      GroupStream(
        group: group, segments: $0, after: floor.offset, end: .max, now: .min, chunkMax: 256, scanMax: .max)
    }
    while kept.isOver, let entry = Self.takeLowest(&lanes) {
      kept.remove(entry)
      floor = .init(offset: entry.offset, ordinal: entry.ordinal)
      if entry.expiresMilliseconds > now {
        counters[Int(number)].overRetention += 1
        overRetention += 1
      }
    }
    counters[Int(number)].floor = floor
    hasFloors = true
    return true
  }

  private static func takeLowest(_ lanes: inout [GroupStream]) -> IndexEntry? {
    var lowest: (lane: Int, entry: IndexEntry)?
    for lane in lanes.indices {
      guard case .entry(let entry) = lanes[lane].head() else { continue }
      if lowest.map({ entry.offset < $0.entry.offset }) ?? true { lowest = (lane, entry) }
    }
    guard let lowest else { return nil }
    lanes[lowest.lane].removeHead()
    return lowest.entry
  }

  /// Whether nothing of a segment can be read any more: every action has expired, or is over its queue's bound.
  func isOver(_ segment: Segment, now: Int64) -> Bool {
    if segment.latestExpiryMilliseconds <= now { return true }
    guard hasFloors else { return false }
    return segment.allLists { key, list in
      let number: UInt32? =
        switch key {
        case .number(let number): number
        case .name(let bytes, let partition): table.number(of: bytes, partition: partition)
        }
      guard let number else { return false }
      return list.suffix(above: counters[Int(number)].floor.ordinal).live(at: now).count == 0
    }
  }
}
