import Synchronization

/// What a reader works on: the segments of every lane in ascending order, and how far each partition may be read. The
/// rest of it is the same until the store has to be read from disk again.
final class StoreSnapshot: Sendable {
  let lanes: [[Segment]]
  /// Offsets below these are stored whole, in every lane.
  let nextOffsets: [Int32: Int64]
  let holes: Holes
  let directory: QueueDirectory
  let identity: StoreIdentity
  let health: StoreHealth

  init(
    lanes: [[Segment]], nextOffsets: [Int32: Int64], holes: Holes, directory: QueueDirectory,
    identity: StoreIdentity, health: StoreHealth
  ) {
    self.lanes = lanes
    self.nextOffsets = nextOffsets
    self.holes = holes
    self.directory = directory
    self.identity = identity
    self.health = health
  }
}

/// The present snapshot and the directory of queues, always changed and looked at together: what is counted is what
/// can be read, has expired or was rejected, at any moment.
final class StoreView: Sendable {
  private let current = Mutex(
    StoreSnapshot(
      lanes: [], nextOffsets: [:], holes: Holes(), directory: QueueDirectory(), identity: .random(),
      health: StoreHealth()))

  var snapshot: StoreSnapshot { current.withLock { $0 } }

  /// The snapshot, and what is known of a queue at that moment.
  func look(at key: QueueKey) -> (snapshot: StoreSnapshot, facts: [QueueDirectory.Facts]) {
    current.withLock { ($0, $0.directory.facts(of: key)) }
  }

  /// The same of a queue that has one partition; nil for another.
  func lookAtSole(_ key: QueueKey) -> (snapshot: StoreSnapshot, facts: QueueDirectory.Facts)? {
    current.withLock { current in current.directory.soleFacts(of: key).map { (current, $0) } }
  }

  func lookAtAll() -> (snapshot: StoreSnapshot, facts: [QueueDirectory.Facts]) {
    current.withLock { ($0, $0.directory.allFacts()) }
  }

  func set(_ snapshot: StoreSnapshot, _ change: (QueueDirectory) -> Void) {
    // The old one is let go outside the lock: it may be the last reference to a mapping.
    let old = current.withLock { current in
      change(snapshot.directory)
      let old = current
      current = snapshot
      return old
    }
    _ = old
  }
}
