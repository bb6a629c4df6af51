import ActionProof
import Crypto
import ObjectStores

/// Reads one object and holds it against its record.
struct ObjectCheck {
  let store: any ObjectStore
  let record: ObjectRecord
  let partition: Int32
  /// What actions are held against that carry a checksum or a signature.
  let proof: RecordProof

  struct Outcome {
    var findings: [ArchiveFinding] = []
    /// The offsets that its lines speak for, in order.
    var offsets: [ClosedRange<Int64>] = []
    /// The last line that is a record; nil where all are statements.
    var lastRecord: LastRecord?
    /// Actions that carry a checksum or a signature; those whose signature could not be checked.
    var proved: (checked: Int64, unchecked: Int64) = (0, 0)
  }

  /// - Throws: an `ObjectStoreError` of a store that cannot be read; what is wrong with the object is a finding.
  func run(_ progress: (Int) -> Void) async throws -> Outcome {
    var scan = ObjectScan(partition: partition, proof: proof, contentBytesMax: record.content.contentBytes)
    var hash = SHA256()
    var size: Int64 = 0
    guard let name = ObjectName(record.key) else {
      return Outcome(findings: [ArchiveFinding(.garbled, record.key, "it is no name of an object")])
    }
    let unpacker = try name.compression.decompressor()
    do {
      _ = try await store.read(record.key, from: 0) { chunk in
        hash.update(bufferPointer: chunk)
        size += Int64(chunk.count)
        progress(chunk.count)
        scan.take(chunk, unpacker)
      }
    } catch let error as ObjectStoreError where error.code == .notFound {
      return Outcome(findings: [
        ArchiveFinding(.missing, record.key, "a manifest names it, and it is not in the store")
      ])
    }
    return outcome(scan, isComplete: unpacker.isComplete, size: size, hash: Array(hash.finalize()))
  }

  private func outcome(_ scan: ObjectScan, isComplete: Bool, size: Int64, hash: [UInt8]) -> Outcome {
    var outcome = Outcome(
      findings: scan.proof.findings(key: record.key, partition: partition), offsets: scan.offsets,
      lastRecord: scan.lastRecord, proved: (scan.proof.checked, scan.proof.unchecked))
    func find(_ kind: ArchiveFinding.Kind, _ detail: String) {
      outcome.findings.append(ArchiveFinding(kind, record.key, detail))
    }
    let content = record.content
    if size < content.bytes {
      find(.truncated, "it has \(size) bytes of \(content.bytes)")
    } else if hash != content.sha256 {
      find(.altered, "its SHA-256 is \(Hex.text(hash)), not \(Hex.text(content.sha256)) (\(size) bytes)")
    }
    if let fault = scan.fault {
      find(.garbled, fault)
    } else if !isComplete || !scan.splitter.isAtLineStart {
      find(.garbled, "its lines end in the middle of one")
    } else {
      var facts = scan.facts
      facts.contentSHA256 = Array(scan.hash.finalize())
      facts.bytes = content.bytes
      facts.sha256 = content.sha256
      if facts != content {
        find(.altered, "its lines are not those that were counted: \(Self.difference(facts, content))")
      }
    }
    return outcome
  }

  private static func difference(_ found: ObjectContent, _ stated: ObjectContent) -> String {
    var parts: [String] = []
    func compare(_ name: String, _ path: KeyPath<ObjectContent, Int64>) {
      if found[keyPath: path] != stated[keyPath: path] {
        parts.append("\(name) \(found[keyPath: path]), not \(stated[keyPath: path])")
      }
    }
    compare("lines", \.lines)
    compare("actions", \.actions)
    compare("rejected", \.rejected)
    compare("offsets in gaps", \.gapOffsets)
    compare("offsets in holes", \.holeOffsets)
    compare("bytes", \.contentBytes)
    if parts.isEmpty { parts.append(found.times == stated.times ? "other content" : "other times") }
    return parts.joined(separator: ", ")
  }
}

/// Lines of an object as they come out of the unpacker. Never throws: the first fault ends the reading of lines, while
/// the object's own bytes are hashed to the end.
struct ObjectScan {
  let partition: Int32
  /// Lines beyond are not read: an object that unpacks to more than was written is not ours.
  let contentBytesMax: Int64
  var proof: LineProof
  var splitter = LineSplitter()
  var hash = SHA256()
  var facts = ObjectContent()
  var offsets: [ClosedRange<Int64>] = []
  var fault: String?
  private var lastLine: [UInt8] = []
  private var lastOffset: Int64?

  var lastRecord: LastRecord? {
    lastOffset.map { offset in lastLine.withUnsafeBytes { LastRecord(offset: offset, line: $0) } }
  }

  init(partition: Int32, proof: RecordProof, contentBytesMax: Int64) {
    self.partition = partition
    self.proof = LineProof(proof)
    self.contentBytesMax = contentBytesMax
  }

  mutating func take(_ packed: UnsafeRawBufferPointer, _ unpacker: any Decompressor) {
    guard fault == nil else { return }
    do {
      try unpacker.decompress(packed) { content in
        hash.update(bufferPointer: content)
        facts.contentBytes += Int64(content.count)
        guard facts.contentBytes <= contentBytesMax else {
          throw ArchiveError(.garbled, "it unpacks to more than \(contentBytesMax) bytes")
        }
        // `self` cannot be used by the splitter and by what it calls at once.
        var splitter = splitter
        self.splitter = LineSplitter()
        defer { self.splitter = splitter }
        try splitter.take(content) { try take(line: $0) }
      }
    } catch let error as ArchiveError {
      fault = error.detail
    } catch {
      fault = "\(error)"
    }
  }

  private mutating func take(line bytes: UnsafeRawBufferPointer) throws {
    let line = try ArchivedLine(bytes)
    guard line.partition == partition else {
      throw ArchiveError(.garbled, "a line is of partition \(line.partition)")
    }
    facts.lines += 1
    let count = Int64(clamping: line.offsets.count)
    switch line.kind {
    case .action: facts.actions += 1
    case .rejected: facts.rejected += 1
    case .gap: facts.gapOffsets &+= count
    case .hole: facts.holeOffsets &+= count
    }
    if line.kind == .action || line.kind == .rejected {
      lastOffset = line.offsets.upperBound
      lastLine.removeAll(keepingCapacity: true)
      lastLine.append(contentsOf: bytes)
      lastLine.append(UInt8(ascii: "\n"))
    }
    try proof.check(line, in: bytes)
    facts.note(time: line.milliseconds)
    if let last = offsets.last, last.upperBound + 1 == line.offsets.lowerBound {
      offsets[offsets.count - 1] = last.lowerBound...line.offsets.upperBound
    } else {
      offsets.append(line.offsets)
    }
  }
}
