import ObjectStores

/// Where a partition's archive stands: its manifests so far, and what the next one will name. A value; whoever stores
/// objects keeps it up to date.
struct PartitionChain: Sendable, Equatable {
  let topic: String
  let partition: Int32
  /// Of the next manifest.
  var sequence: Int64 = 0
  /// SHA-256 of the last manifest; nil before the first.
  var previous: [UInt8]?
  /// The first offset the next manifest speaks for; nil while nothing is archived.
  var firstOffset: Int64?
  /// Stored, and in no manifest yet; consecutive.
  var cuts: [CutRecord] = []
  /// The last record that is archived.
  var lastRecord: LastRecord?
  /// The period that is open, in milliseconds since 1970; nil before anything is known.
  var startMilliseconds: Int64?
  /// Manifests that the open period has already.
  var part: Int64 = 0

  init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// The first offset that is not archived; nil while nothing is.
  var nextOffset: Int64? { cuts.last.map { $0.last + 1 } ?? firstOffset }

  mutating func add(_ cut: CutRecord) {
    if firstOffset == nil { firstOffset = cut.first }
    if startMilliseconds != cut.startMilliseconds { part = 0 }
    startMilliseconds = cut.startMilliseconds
    cuts.append(cut)
    lastRecord = cut.lastRecord ?? lastRecord
  }

  /// The manifest of what is stored and in none yet.
  /// - Parameter emptyOffset: where the partition stands while nothing of it is archived.
  func manifest(
    startMilliseconds: Int64, periodSeconds: Int64, state: Manifest.State, emptyOffset: Int64, signer: [UInt8]?
  ) -> Manifest {
    let first = firstOffset ?? emptyOffset
    return Manifest(
      topic: topic, partition: partition, sequence: sequence, startMilliseconds: startMilliseconds,
      periodSeconds: periodSeconds, state: state,
      part: startMilliseconds == self.startMilliseconds ? part : 0, firstOffset: first,
      nextOffset: nextOffset ?? first, objects: cuts.flatMap(\.objects), holes: cuts.flatMap(\.holes),
      lastRecord: lastRecord, previous: previous, signer: signer)
  }

  /// Goes on behind a manifest that is stored.
  mutating func follow(_ manifest: Manifest, hash: [UInt8]) {
    sequence = manifest.sequence + 1
    previous = hash
    firstOffset = manifest.nextOffset
    lastRecord = manifest.lastRecord
    cuts = []
    switch manifest.state {
    case .closed:
      startMilliseconds = manifest.endMilliseconds
      part = 0
    case .open:
      startMilliseconds = manifest.startMilliseconds
      part = manifest.part + 1
    }
  }
}
