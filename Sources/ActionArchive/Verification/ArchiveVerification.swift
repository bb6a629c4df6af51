package import ActionProof
package import ObjectStores

/// Looks through an archive, without Kafka: every object there is, every one there should be, and how they hang
/// together. Reads everything once, in streams.
///
/// What it cannot see: that the newest manifests of a partition, with all they name, were removed together. Note the
/// heads it reports elsewhere to see that too.
package struct ArchiveVerification {
  private let store: any ObjectStore
  private let keys: [ManifestVerifier]
  private let proof: RecordProof
  private let onFinding: @Sendable (ArchiveFinding) -> Void
  private let onProgress: @Sendable (VerificationProgress) -> Void
  private var report = VerificationReport()
  private var progress = VerificationProgress()

  /// - Parameters:
  ///   - keys: the public keys of which each manifest must be signed by one; none: signatures are not looked at.
  ///   - proof: what actions are held against that carry a checksum or a signature of their own.
  package init(
    store: any ObjectStore, keys: [ManifestVerifier], proof: RecordProof = RecordProof(),
    onFinding: @escaping @Sendable (ArchiveFinding) -> Void,
    onProgress: @escaping @Sendable (VerificationProgress) -> Void = { _ in }
  ) {
    self.store = store
    self.keys = keys
    self.proof = proof
    self.onFinding = onFinding
    self.onProgress = onProgress
  }

  /// - Throws: `ObjectStoreError` of a store that cannot be read; `notFound` when there is no archive at all.
  package mutating func run() async throws -> VerificationReport {
    report = VerificationReport()
    let inventory = try await ArchiveInventory.take(store)
    guard !inventory.partitions.isEmpty else {
      throw ArchiveError(.notFound, "there is no archive at \(store.location)")
    }
    progress = VerificationProgress(totalBytes: inventory.bytes)
    for key in inventory.strangers { find(.added, key, "no archive writes such an object") }
    for (place, partition) in inventory.partitions.sorted(by: { $0.key < $1.key }) {
      try await verify(place, partition)
    }
    return report
  }

  private mutating func find(_ kind: ArchiveFinding.Kind, _ key: String, _ detail: String) {
    report.findings += 1
    progress.findings += 1
    onFinding(ArchiveFinding(kind, key, detail))
    onProgress(progress)
  }

  private mutating func advance(_ bytes: Int) {
    progress.bytes += Int64(bytes)
    report.bytes += Int64(bytes)
    onProgress(progress)
  }

  // MARK: Chains

  private mutating func verify(_ place: ArchiveInventory.Place, _ inventory: ArchiveInventory.Partition) async throws {
    var partition = inventory
    var walk = ChainWalk()
    let last = partition.manifests.max() ?? -1
    for sequence in 0..<(last + 1) {
      let key = ArchiveKey.manifest(topic: place.topic, partition: place.partition, sequence: sequence)
      guard partition.manifests.contains(sequence) else {
        // One finding for a run of them: a single stray number must not make millions.
        guard walk.missingSince == nil else { continue }
        walk.lose()
        walk.missingSince = sequence
        let next = partition.manifests.filter { $0 > sequence }.min() ?? sequence + 1
        find(
          .missing, key.text,
          next == sequence + 1 ? "the manifest is not there" : "the manifests \(sequence) to \(next - 1) are not there")
        continue
      }
      walk.missingSince = nil
      try await verifyManifest(key, sequence, &partition, &walk)
    }
    for sequence in partition.signatures.subtracting(partition.manifests).sorted() {
      let key = ArchiveKey.signature(topic: place.topic, partition: place.partition, sequence: sequence)
      find(.added, key.text, "there is no manifest that it signs")
    }
    try await verifyOpenEnd(place, &partition, walk)
    for key in partition.objects.keys.sorted() { find(.added, key, "no manifest names it") }
  }

  private mutating func verifyManifest(
    _ key: ArchiveKey, _ sequence: Int64, _ partition: inout ArchiveInventory.Partition, _ walk: inout ChainWalk
  ) async throws {
    guard let bytes = try await bookkeeping(key.text) else { return walk.lose() }
    report.manifests += 1
    let manifest: Manifest
    do { manifest = try Manifest(bytes: bytes) } catch {
      find(.garbled, key.text, error.detail)
      try await verifySignature(key, sequence, bytes, nil, partition)
      return walk.lose(hash: Manifest.hash(bytes))
    }
    if manifest.key != key { find(.brokenChain, key.text, "it says that it is \(manifest.key.text)") }
    for (kind, detail) in walk.objections(to: manifest) { find(kind, key.text, detail) }
    try await verifySignature(key, sequence, bytes, manifest, partition)
    var expected = manifest.firstOffset
    for cut in manifest.cuts {
      if cut.first != expected {
        find(.missingOffset, key.text, "its objects do not speak for offsets \(expected) to \(cut.first - 1)")
      }
      expected = cut.last < .max ? cut.last + 1 : cut.last
      let found = try await verifyCut(cut, manifest.startMilliseconds, partition: manifest.partition, &partition)
      if partition.cuts.remove(cut.first) != nil { try await compare(cut, found, with: manifest) }
    }
    if expected != manifest.nextOffset {
      find(.missingOffset, key.text, "its objects end at offset \(expected - 1), not at \(manifest.nextOffset - 1)")
    }
    report.lostOffsets &+= manifest.holes.reduce(0) { $0 &+ Int64(clamping: $1.count) }
    walk.follow(manifest, hash: Manifest.hash(bytes))
    report.heads.removeAll { $0.topic == manifest.topic && $0.partition == manifest.partition }
    report.heads.append(
      .init(
        topic: manifest.topic, partition: manifest.partition, sequence: sequence,
        sha256: Hex.text(Manifest.hash(bytes)), nextOffset: manifest.nextOffset,
        completeThroughMilliseconds: manifest.state == .closed
          ? manifest.endMilliseconds : manifest.startMilliseconds))
  }

  private mutating func verifySignature(
    _ key: ArchiveKey, _ sequence: Int64, _ bytes: [UInt8], _ manifest: Manifest?,
    _ partition: ArchiveInventory.Partition
  ) async throws {
    let name = key.text + ".sig"
    // One that was not listed may have come since.
    var isThere = partition.signatures.contains(sequence)
    if !isThere { isThere = try await store.facts(of: name) != nil }
    guard isThere else {
      if !keys.isEmpty || manifest?.signer != nil {
        find(.missingSignature, name, "the manifest has no signature")
      } else {
        report.uncheckedSignatures += 1
      }
      return
    }
    guard let signature = try await bookkeeping(name, max: 4_096) else { return }
    guard !keys.isEmpty else {
      report.uncheckedSignatures += 1
      return
    }
    if !keys.contains(where: { $0.isValid(signature, of: bytes) }) {
      find(.wrongSignature, name, "it is not the signature of this manifest by a key that was given")
    }
  }

  // MARK: Objects

  /// What was read of a cut's objects.
  private struct FoundCut {
    /// False when an object is missing or cannot be read.
    var isWhole = true
    var lastRecord: LastRecord?
  }

  /// What is wrong with an object of which every line was read all the same.
  private static let leavesLines: Set<ArchiveFinding.Kind> = [.altered, .wrongChecksum, .wrongSourceSignature]

  /// One cut: its objects, and whether their lines speak for every offset.
  private mutating func verifyCut(
    _ cut: Manifest.Cut, _ startMilliseconds: Int64, partition number: Int32,
    _ partition: inout ArchiveInventory.Partition
  ) async throws -> FoundCut {
    var offsets: [ClosedRange<Int64>] = []
    var found = FoundCut()
    let (date, hour) = ArchiveTime.dateAndHour(startMilliseconds)
    for record in cut.objects {
      report.objects += 1
      guard let name = ObjectName(record.key), name.partition == number, name.first == cut.first,
        name.last == cut.last, name.date == date, name.hour == hour
      else {
        find(.brokenChain, record.key, "its name does not fit the manifest that names it")
        found.isWhole = false
        continue
      }
      // One that was not listed may have come since; reading it tells.
      partition.objects[record.key] = nil
      var read = 0
      let outcome = try await ObjectCheck(store: store, record: record, partition: number, proof: proof).run {
        read += $0
      }
      advance(read)
      for finding in outcome.findings {
        find(finding.kind, finding.key, finding.detail)
        if !Self.leavesLines.contains(finding.kind) { found.isWhole = false }
      }
      offsets += outcome.offsets
      report.provedActions &+= outcome.proved.checked
      report.uncheckedSourceSignatures &+= outcome.proved.unchecked
      if let last = outcome.lastRecord, last.offset > found.lastRecord?.offset ?? -1 { found.lastRecord = last }
      report.actions &+= record.actions
      report.rejected &+= record.rejected
    }
    if found.isWhole, let key = cut.objects.first?.key { checkOffsets(offsets, of: cut, key) }
    return found
  }

  private mutating func checkOffsets(_ offsets: [ClosedRange<Int64>], of cut: Manifest.Cut, _ key: String) {
    var expected = cut.first
    for range in offsets.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > expected {
        find(.missingOffset, key, "no line speaks for offsets \(expected) to \(range.lowerBound - 1)")
      } else if range.lowerBound < expected {
        find(.altered, key, "more than one line speaks for offset \(range.lowerBound)")
      }
      expected = max(expected, range.upperBound + 1)
    }
    if expected != cut.last + 1 {
      let detail =
        expected <= cut.last
        ? "no line speaks for offsets \(expected) to \(cut.last)" : "its lines go beyond offset \(cut.last)"
      find(expected <= cut.last ? .missingOffset : .altered, key, detail)
    }
  }

  // MARK: Cuts

  /// A cut record that is still there must say what the manifest says.
  private mutating func compare(_ cut: Manifest.Cut, _ found: FoundCut, with manifest: Manifest) async throws {
    let key = ArchiveKey.cut(topic: manifest.topic, partition: manifest.partition, first: cut.first)
    guard let bytes = try await bookkeeping(key.text) else { return }
    do throws(ArchiveError) {
      let record = try CutRecord(bytes: bytes)
      let holes = manifest.holes.filter { cut.first <= $0.lowerBound && $0.upperBound <= cut.last }
      if record.objects != cut.objects || record.key != key || record.holes != holes
        || record.startMilliseconds != manifest.startMilliseconds || record.periodSeconds != manifest.periodSeconds
      {
        find(.altered, key.text, "it says something else than manifest \(manifest.sequence)")
      }
      compare(record, with: found)
    } catch {
      find(.garbled, key.text, error.detail)
    }
  }

  /// The last record it notes has to be the last one of its objects.
  private mutating func compare(_ record: CutRecord, with found: FoundCut) {
    guard let noted = record.lastRecord, found.isWhole, noted != found.lastRecord else { return }
    find(.altered, record.key.text, "the last record it notes is not the last one of its objects")
  }

  /// What follows the last manifest: cuts of the open period.
  private mutating func verifyOpenEnd(
    _ place: ArchiveInventory.Place, _ partition: inout ArchiveInventory.Partition, _ walk: ChainWalk
  ) async throws {
    let cuts = partition.cuts.sorted()
    var expected = walk.nextOffset
    for first in cuts {
      let key = ArchiveKey.cut(topic: place.topic, partition: place.partition, first: first)
      guard let bytes = try await bookkeeping(key.text) else { continue }
      let record: CutRecord
      do { record = try CutRecord(bytes: bytes) } catch {
        find(.garbled, key.text, error.detail)
        continue
      }
      if record.key != key {
        find(.brokenChain, key.text, "it says that it is \(record.key.text)")
        continue
      }
      if let expected, first < expected {
        find(.added, key.text, "a manifest speaks for its offsets, and does not know it")
        continue
      }
      if let expected, first > expected {
        find(.missingOffset, key.text, "nothing speaks for offsets \(expected) to \(first - 1)")
      }
      expected = record.last < .max ? record.last + 1 : record.last
      if first == cuts.last, record.objects.contains(where: { partition.objects[$0.key] == nil }) {
        report.unfinishedCuts.append(key.text)
        for object in record.objects { partition.objects[object.key] = nil }
        continue
      }
      report.unsealedObjects += record.objects.count
      report.lostOffsets &+= record.holes.reduce(0) { $0 &+ Int64(clamping: $1.count) }
      let found = try await verifyCut(
        Manifest.Cut(first: record.first, last: record.last, objects: record.objects), record.startMilliseconds,
        partition: place.partition, &partition)
      compare(record, with: found)
    }
  }

  /// A bookkeeping object's bytes; nil, and a finding, when it cannot be had.
  private mutating func bookkeeping(_ key: String, max: Int = BookkeepingFields.bytesMax) async throws -> [UInt8]? {
    do {
      let bytes = try await store.bytes(of: key, max: max)
      advance(bytes.count)
      return bytes
    } catch let error as ArchiveError {
      find(.garbled, key, error.detail)
    } catch let error as ObjectStoreError where error.code == .notFound {
      find(.missing, key, "it was listed, and is not there")
    }
    return nil
  }
}
