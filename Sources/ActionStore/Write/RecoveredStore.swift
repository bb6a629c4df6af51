/// What recovery found in a data directory: the state a writer begins with.
struct RecoveredStore {
  var identity: StoreIdentity
  var segments: [SealedSegment] = []
  /// Segments whose index file is still to be written: those a killed process was writing to.
  var retired: [OpenSegment] = []
  let health = StoreHealth()
  var nextSegment: UInt64 = 1
  var lastBatch: UInt64 = 0
  var checkpointedBatch: UInt64 = 0
  var standings: [Int32: Standing] = [:]
  var groups: [Group] = []
  var counters: [QueueDirectory.Counters] = []
  var changedGroups: Set<UInt32> = []
  var rejected: [String: UInt64] = [:]
  var duplicates: UInt64 = 0
  var dropped: [String: UInt64] = [:]
  var rejections: [UInt32: Rejections] = [:]
  var holes: [Hole] = []
  var checkpointedHoles = 0
  var sources = SourceLedger.State()
  /// The latest time the store had reached.
  var latestMilliseconds: Int64 = .min

  mutating func advance(_ partition: Int32, to standing: Standing) {
    standings[partition, default: standing].advance(to: standing)
  }
}
