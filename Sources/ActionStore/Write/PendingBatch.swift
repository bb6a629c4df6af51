package import AuditActions

/// The batch being built: the records of each lane, what they cover, and how to undo it.
struct PendingBatch {
  struct LanePart {
    var records: GrowingBuffer?
    var recordCount = 0
    var entries: [(group: UInt32, entry: IndexEntry)] = []
    var latestExpiry: Int64 = .min
    /// The numbers that sources gave to actions of it, in the order of the actions.
    var numbers: [NumberRecord.Entry] = []
    /// Where among its records those begin that hold the numbers.
    var numbersStart = 0
    /// What of each log is among them.
    var spans: [SourceLogKey: ClosedRange<Int64>] = [:]
  }

  var now: Int64 = 0
  /// By how much the store's time is ahead of the wall clock.
  var lead: Int64 = 0
  var lanes: [LanePart] = Array(repeating: LanePart(), count: Lane.count)
  var coverage: [FrameHeader.Coverage] = []
  /// The groups whose counters it changes, and beside each member the counters as they were before.
  var groups = GroupSet()
  var previous: [QueueDirectory.Counters] = []
  /// Records rejected in all, by reason; and those of known queues.
  var rejected: [String: UInt64] = [:]
  var rejections: [(group: UInt32, ordinal: UInt64, reason: String)] = []
  /// Records that were not wanted, by reason.
  var dropped: [String: UInt64] = [:]
  var holes: [Hole] = []
  var sources: [SourceLogKey: SourceLog] = [:]
  var outcome = AppendOutcome()

  mutating func reset(now: Int64, lead: Int64) {
    self.now = now
    self.lead = lead
    for lane in lanes.indices where lanes[lane].recordCount > 0 {
      lanes[lane].records?.reset()
      lanes[lane].recordCount = 0
      lanes[lane].entries.removeAll(keepingCapacity: true)
      lanes[lane].latestExpiry = .min
      if !lanes[lane].numbers.isEmpty {
        lanes[lane].numbers.removeAll(keepingCapacity: true)
        lanes[lane].numbersStart = 0
        lanes[lane].spans = [:]
      }
    }
    coverage.removeAll(keepingCapacity: true)
    groups.removeAll()
    previous.removeAll(keepingCapacity: true)
    rejected.removeAll(keepingCapacity: true)
    rejections.removeAll(keepingCapacity: true)
    if !dropped.isEmpty { dropped = [:] }
    holes.removeAll(keepingCapacity: true)
    if !sources.isEmpty { sources = [:] }
    outcome = AppendOutcome()
  }

  /// The buffer of a lane, made at its first use.
  mutating func buffer(of lane: Int) -> GrowingBuffer {
    if let buffer = lanes[lane].records { return buffer }
    let buffer = GrowingBuffer(capacity: 64 << 10)
    lanes[lane].records = buffer
    return buffer
  }
}

/// What became of the records of one batch.
package struct AppendOutcome: Sendable, Equatable {
  package var stored = 0
  /// Below the partition's next offset, or numbered as one that was received before.
  package var duplicates = 0
  /// TTL had passed on arrival: counted, not stored.
  package var expiredOnArrival = 0
  package var rejected = 0
  /// Not wanted by their queues: counted, not stored.
  package var dropped: [DropReason: Int] = [:]
}
