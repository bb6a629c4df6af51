import Crypto

/// What a partition's period holds, in one signed statement; each names the one before by its SHA-256.
///
/// README, "Manifests", is its format. It holds nothing of the moment it was made, so that it can be made again.
package struct Manifest: Sendable, Equatable {
  static let format = "strandline-manifest/1"

  package enum State: String, Sendable {
    /// Nothing will be added to the period.
    case closed
    /// What `--once` found up to its end; the period may go on in the next manifest.
    case open
  }

  package var topic: String
  package var partition: Int32
  /// From 0, without gaps.
  package var sequence: Int64
  /// In milliseconds since 1970.
  package var startMilliseconds: Int64
  package var periodSeconds: Int64
  package var state: State
  /// 0, or how many manifests of the same period there were before: each run of `--once` seals what it found.
  package var part: Int64
  /// It speaks for the offsets from `firstOffset` up to, and without, `nextOffset`.
  package var firstOffset: Int64
  package var nextOffset: Int64
  package var objects: [ObjectRecord]
  package var holes: [ClosedRange<Int64>]
  /// Of all that is archived up to here; nil while no record is.
  package var lastRecord: LastRecord?
  /// SHA-256 of the manifest before; nil in the first.
  package var previous: [UInt8]?
  /// SHA-256 of the public key (32 bytes) that signs it; nil when it is not signed.
  package var signer: [UInt8]?

  package var key: ArchiveKey { .manifest(topic: topic, partition: partition, sequence: sequence) }
  var signatureKey: ArchiveKey { .signature(topic: topic, partition: partition, sequence: sequence) }
  package var endMilliseconds: Int64 {
    let (end, overflow) = startMilliseconds.addingReportingOverflow(periodSeconds * 1_000)
    return overflow ? ArchiveTime.range.upperBound : min(end, ArchiveTime.range.upperBound)
  }

  package var actions: Int64 { objects.reduce(0) { $0 &+ $1.actions } }
  package var rejected: Int64 { objects.reduce(0) { $0 &+ $1.rejected } }

  /// For people: what happened, or that nothing did.
  package var statement: String {
    let lost = holes.reduce(Int64(0)) { $0 &+ Int64(clamping: $1.count) }
    var parts: [String] = []
    if rejected > 0 { parts.append("\(rejected) rejected") }
    if lost > 0 { parts.append("\(lost) offsets lost by the topic") }
    let further = part > 0 ? "further " : ""
    let actions =
      actions == 0 ? "no \(further)actions in this period" : "\(actions) \(further)action\(actions == 1 ? "" : "s")"
    return ([actions] + parts).joined(separator: ", ")
  }

  package var bytes: [UInt8] {
    CanonicalJSON.object([
      "format": .string(Self.format), "topic": .string(topic), "partition": .integer(Int64(partition)),
      "sequence": .integer(sequence), "state": .string(state.rawValue), "part": .integer(part),
      "periodStart": .string(ArchiveTime.text(startMilliseconds)),
      "periodEnd": .string(ArchiveTime.text(endMilliseconds)), "periodSeconds": .integer(periodSeconds),
      "firstOffset": .integer(firstOffset), "nextOffset": .integer(nextOffset),
      "actions": .integer(actions), "rejected": .integer(rejected), "statement": .string(statement),
      "objects": .array(objects.map(\.canonical)), "holes": .array(holes.map(\.canonical)),
      "previous": .optional(previous.map { Hex.text($0) }), "signer": .optional(signer.map { Hex.text($0) }),
    ]).merging(LastRecord.canonical(lastRecord)).bytes
  }

  package static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
}

extension Manifest {
  /// - Throws: `garbled` for anything that this code does not write.
  package init(bytes: [UInt8]) throws(ArchiveError) {
    let result: Result<Manifest, ArchiveError> = bytes.withUnsafeBytes { raw in
      do throws(ArchiveError) { return .success(try Manifest(BookkeepingFields(raw))) } catch {
        return .failure(error)
      }
    }
    self = try result.get()
    // Also refuses members that are unknown, repeated, or do not follow from the others.
    guard self.bytes == bytes else { throw ArchiveError(.garbled, "it is not in the form that is written here") }
  }

  private init(_ fields: BookkeepingFields) throws(ArchiveError) {
    guard try fields.text("format") == Self.format else {
      throw ArchiveError(.garbled, "its format is not \(Self.format)")
    }
    topic = try fields.text("topic")
    partition = Int32(clamping: try fields.integer("partition", in: 0...Int64(Int32.max)))
    sequence = try fields.integer("sequence", in: 0...ArchiveKey.sequenceMax)
    startMilliseconds = try fields.time("periodStart")
    periodSeconds = try fields.integer("periodSeconds", in: 1...PeriodLength.secondsMax)
    guard let state = State(rawValue: try fields.text("state")) else {
      throw ArchiveError(.garbled, "'state' is neither closed nor open")
    }
    self.state = state
    part = try fields.integer("part", in: 0...ArchiveKey.sequenceMax)
    firstOffset = try fields.integer("firstOffset")
    nextOffset = try fields.integer("nextOffset")
    guard firstOffset <= nextOffset else { throw ArchiveError(.garbled, "'nextOffset' is before 'firstOffset'") }
    objects = []
    for element in try fields.elements("objects") { objects.append(try ObjectRecord(element)) }
    holes = try fields.ranges("holes")
    lastRecord = try LastRecord(fields)
    previous = try fields.optionalText("previous") == nil ? nil : try fields.sha256("previous")
    signer = try fields.optionalText("signer") == nil ? nil : try fields.sha256("signer")
  }
}
