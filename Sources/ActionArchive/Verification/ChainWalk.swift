/// What the manifests so far let one expect of the next.
struct ChainWalk {
  private(set) var previous: Manifest?
  /// SHA-256 of the manifest before; nil when it could not be read.
  private var hash: [UInt8]?
  private var isStart = true
  var missingSince: Int64?

  /// The first offset that no manifest speaks for; nil when that is not known.
  var nextOffset: Int64? { previous?.nextOffset }

  mutating func follow(_ manifest: Manifest, hash: [UInt8]) {
    previous = manifest
    self.hash = hash
    isStart = false
  }

  /// The next manifest cannot be held against this one.
  mutating func lose(hash: [UInt8]? = nil) {
    previous = nil
    self.hash = hash
    isStart = false
  }

  func objections(to manifest: Manifest) -> [(ArchiveFinding.Kind, String)] {
    var objections: [(ArchiveFinding.Kind, String)] = []
    if isStart {
      if manifest.previous != nil {
        objections.append((.brokenChain, "it is the first one and names a manifest before it"))
      }
    } else if let hash, manifest.previous != hash {
      objections.append((.brokenChain, "the manifest before it is not the one it names"))
    }
    guard let previous else { return objections }
    if manifest.firstOffset > previous.nextOffset {
      objections.append(
        (.missingOffset, "no manifest speaks for offsets \(previous.nextOffset) to \(manifest.firstOffset - 1)"))
    } else if manifest.firstOffset < previous.nextOffset {
      objections.append((.brokenChain, "it begins at offset \(manifest.firstOffset), for which another spoke already"))
    }
    if let detail = periodObjection(manifest, after: previous) { objections.append((.brokenChain, detail)) }
    return objections
  }

  private func periodObjection(_ manifest: Manifest, after previous: Manifest) -> String? {
    let start = ArchiveTime.text(manifest.startMilliseconds)
    if previous.state == .open, manifest.startMilliseconds == previous.startMilliseconds,
      manifest.part == previous.part + 1
    {
      return nil
    }
    // A period sealed by `--once` may also be left as it is when the next record is of a later one, or of another
    // length.
    let earliest = previous.state == .open ? previous.startMilliseconds : previous.endMilliseconds
    guard manifest.startMilliseconds >= earliest || manifest.periodSeconds != previous.periodSeconds else {
      return "its period, from \(start), is not after the one before"
    }
    guard manifest.part == 0 else { return "it says to be part \(manifest.part) of a period that had none before" }
    let skipped = (manifest.startMilliseconds - earliest) / (manifest.periodSeconds * 1_000)
    if skipped > 0, skipped <= PartitionReader.silentPeriodsMax, previous.periodSeconds == manifest.periodSeconds,
      previous.state == .closed
    {
      return "\(skipped) periods before it, from \(ArchiveTime.text(earliest)), have no statement"
    }
    return nil
  }
}

extension Manifest {
  /// Objects that speak for the same offsets.
  struct Cut: Sendable, Equatable {
    var first: Int64
    var last: Int64
    var objects: [ObjectRecord]
  }

  var cuts: [Cut] {
    var cuts: [Cut] = []
    for object in objects {
      if let cut = cuts.last, cut.first == object.first, cut.last == object.last {
        cuts[cuts.count - 1].objects.append(object)
      } else {
        cuts.append(Cut(first: object.first, last: object.last, objects: [object]))
      }
    }
    return cuts
  }
}
