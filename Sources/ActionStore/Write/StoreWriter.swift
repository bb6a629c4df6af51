import AuditActions
import Logging

/// The one writer of a store: batches in, segments out. Owned by `ActionStore`, called by one thread at a time.
///
/// The order that keeps the promises: bytes are written, then indexed, then made visible by publishing a snapshot;
/// files are synced before the catalog's checkpoint names their batches, and only batches it names lose segments to
/// expiry.
///
/// What is touched for each record is not checked for overlapping access: `ActionStore` lets one thread in at a time,
/// and a record came to a dozen checks, a fifth of its instructions.
final class StoreWriter {
  let configuration: StoreConfiguration
  let files: FileSystem
  let paths: SegmentPaths
  let catalog: Catalog
  let directory: QueueDirectory
  let logger: Logger
  let identity: StoreIdentity
  let health: StoreHealth
  /// What readers see.
  let view: StoreView
  let sources: SourceLedger

  // State on disk.
  /// Segments no longer written to, with index file, ascending by number.
  var sealed: [SealedSegment]
  /// Segments no longer written to whose index file is still to be written.
  var retired: [OpenSegment]
  var open: [OpenSegment?] = Array(repeating: nil, count: Lane.count)
  var nextSegment: UInt64
  var lastBatch: UInt64
  var durableBatch: UInt64
  var checkpointedBatch: UInt64
  @exclusivity(unchecked) var standings: [Int32: Standing]
  /// Up to which offsets partitions are not held against what was read of them, see `forgetLastRecords(upTo:)`.
  private(set) var forgotten: [Int32: Int64] = [:]
  var bytesOnDisk: Int64

  // Counters.
  var groups: [Group]
  @exclusivity(unchecked) var table = GroupTable()
  @exclusivity(unchecked) var counters: [QueueDirectory.Counters]
  var rejected: [String: UInt64]
  var duplicates: UInt64
  /// Records not wanted by their queues, by reason.
  var dropped: [String: UInt64]
  var rejections: [UInt32: Rejections]
  var holes: Holes
  /// How many of `holes` the catalog has.
  var checkpointedHoles: Int
  /// Actions that have expired and gone since the process began.
  var expiredActions: UInt64 = 0
  /// What queues keep at most, for those that have a bound; and how much of it each of their groups uses.
  var bounds: [QueueKey: QueueAudit.Retention] = [:]
  var kept: [UInt32: KeptActions] = [:]
  /// Whether a group has a floor.
  var hasFloors = false
  /// Actions that went over what their queue keeps since the process began, before their TTL had passed.
  var overRetention: UInt64 = 0
  /// Groups changed since the last checkpoint.
  var changedGroups = GroupSet()
  var hasUncheckpointedChange = false
  /// Frontiers taken for a checkpoint that is not written yet.
  var uncheckpointedFrontiers: [UInt32: ReadFrontier.State] = [:]
  /// Segments counted as unlinked whose files are still there.
  var departing: [UInt64] = []

  // The batch being built.
  @exclusivity(unchecked) var batch = PendingBatch()

  init(
    configuration: StoreConfiguration, files: FileSystem, paths: SegmentPaths, catalog: Catalog,
    directory: QueueDirectory, logger: Logger, recovered: RecoveredStore, view: StoreView,
    sources: SourceLedger
  ) {
    self.configuration = configuration
    self.files = files
    self.paths = paths
    self.catalog = catalog
    self.directory = directory
    self.logger = logger
    self.view = view
    self.sources = sources
    identity = recovered.identity
    health = recovered.health
    sealed = recovered.segments
    retired = recovered.retired
    nextSegment = recovered.nextSegment
    lastBatch = recovered.lastBatch
    durableBatch = recovered.lastBatch
    checkpointedBatch = recovered.checkpointedBatch
    standings = recovered.standings
    bytesOnDisk =
      recovered.segments.reduce(0) { $0 + Int64($1.bytesOnDisk) }
      + recovered.retired.reduce(0) { $0 + Int64($1.length) }
    groups = recovered.groups
    counters = recovered.counters
    hasFloors = recovered.counters.contains { $0.floor.ordinal > 0 }
    rejected = recovered.rejected
    duplicates = recovered.duplicates
    dropped = recovered.dropped
    rejections = recovered.rejections
    holes = Holes(recovered.holes)
    checkpointedHoles = recovered.checkpointedHoles
    changedGroups = GroupSet(recovered.changedGroups)
    hasUncheckpointedChange = recovered.lastBatch > recovered.checkpointedBatch || !recovered.changedGroups.isEmpty
    for group in groups {
      group.key.bytes.withUnsafeBytes { table.insert($0, partition: group.partition, number: group.number) }
    }
    publishSnapshot()
  }

  /// The number of a queue's part of a partition, made known if it is new.
  @inline(__always)
  func group(of key: UnsafeRawBufferPointer, partition: Int32) -> UInt32 {
    table.number(of: key, partition: partition) ?? register(key, partition)
  }

  private func register(_ key: UnsafeRawBufferPointer, _ partition: Int32) -> UInt32 {
    let group = directory.register(key: QueueKey(bytes: Array(key)), partition: partition)
    groups.append(group)
    counters.append(.init())
    table.insert(key, partition: partition, number: group.number)
    if !bounds.isEmpty { keep(bounds[group.key], of: group.number) }
    return group.number
  }

  /// What partitions hold below these offsets is taken for what was read there, also when the store is read again.
  func forgetLastRecords(upTo ends: [Int32: Int64]) {
    forgotten = ends
    for (partition, end) in ends where standings[partition].map({ $0.next <= end }) ?? false {
      standings[partition]?.lastRecord = .unknown
    }
  }

  /// Shows readers the segments there are now, and what changes with them, in one step.
  func publishSnapshot(_ change: (QueueDirectory) -> Void = { _ in }) {
    var lanes: [[Segment]] = Array(repeating: [], count: Lane.count)
    for item in sealed { lanes[item.segment.lane].append(item.segment) }
    for item in retired { lanes[item.segment.lane].append(item.segment) }
    for case let item? in open { lanes[item.segment.lane].append(item.segment) }
    for lane in lanes.indices { lanes[lane].sort { $0.number < $1.number } }
    segmentLanes = lanes
    publishOffsets(change)
  }

  /// Shows readers new offsets and counts; the segments are those of the last snapshot.
  func publishOffsets(_ change: (QueueDirectory) -> Void) {
    view.set(
      StoreSnapshot(
        lanes: segmentLanes, nextOffsets: standings.mapValues(\.next), holes: holes, directory: directory,
        identity: identity, health: health), change)
  }

  private(set) var segmentLanes: [[Segment]] = []
}

/// A segment no longer written to.
struct SealedSegment {
  var segment: Segment
  /// The first batch that may have a frame in it, and the last that has.
  var firstBatch: UInt64
  var lastBatch: UInt64
  var segmentBytes: Int
  /// Of the segment and its index together.
  var bytesOnDisk: Int

  init(segment: Segment, index: SealedIndex) {
    self.segment = segment
    firstBatch = index.summary.firstBatch
    lastBatch = index.summary.lastBatch
    segmentBytes = index.summary.segmentBytes
    bytesOnDisk = index.summary.segmentBytes + index.byteCount
  }

  init(mapping: FileMapping, index: SealedIndex, check: SegmentCheck?) {
    let summary = index.summary
    let segment = Segment(
      number: summary.segment, lane: summary.lane, mapping: mapping, index: .sealed(index), coverage: summary.coverage,
      latestExpiry: summary.latestExpiry, check: check)
    self.init(segment: segment, index: index)
  }
}
