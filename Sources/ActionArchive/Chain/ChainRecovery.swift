import ObjectStores

/// Finds out from the store where a partition's archive stands. The store is the truth, not the group's committed
/// offset: that one follows.
struct ChainRecovery {
  let store: any ObjectStore
  let topic: String
  let partition: Int32

  struct Found: Sendable, Equatable {
    var chain: PartitionChain
    /// A cut that was decided on and whose objects are not all there: it has to be made exactly so.
    var unfinished: CutRecord?
    /// The last manifest, when there is one.
    var manifest: Manifest?
  }

  /// - Throws: `ObjectStoreError`; `conflict` when what is there does not fit together.
  ///
  /// What was put last may be there without being listed, when the store and the archiver were killed at one moment:
  /// it is asked to list it.
  func run() async throws -> Found {
    var found = Found(chain: PartitionChain(topic: topic, partition: partition))
    if let last = try await newestManifestKey() {
      let bytes = try await store.bytes(of: last.text, max: BookkeepingFields.bytesMax)
      let manifest: Manifest
      do { manifest = try Manifest(bytes: bytes) } catch { throw conflict(last, "\(error.detail)") }
      guard manifest.key == last else { throw conflict(last, "it names itself \(manifest.key.text)") }
      try await store.ensureListed(last.text)
      found.chain.follow(manifest, hash: Manifest.hash(bytes))
      found.manifest = manifest
    }
    for cut in try await cuts(from: found.chain.firstOffset) { found.chain.add(cut) }
    if let last = found.chain.cuts.last { try await store.ensureListed(last.key.text) }
    if let last = found.chain.cuts.last, try await !isStored(last) {
      found.chain.cuts.removeLast()
      found.chain.lastRecord = found.chain.cuts.last { $0.lastRecord != nil }?.lastRecord ?? found.manifest?.lastRecord
      if found.chain.cuts.isEmpty, found.manifest == nil { found.chain.firstOffset = nil }
      found.unfinished = last
    }
    return found
  }

  /// The newest manifest. A list may lag behind its objects (those of OpenStack Swift do), so what would come next is
  /// asked for by name as well.
  private func newestManifestKey() async throws -> ArchiveKey? {
    var newest = try await lastManifestKey()
    var next: Int64 = 0
    if case .manifest(_, _, let sequence) = newest { next = sequence + 1 }
    while next <= ArchiveKey.sequenceMax {
      let key = ArchiveKey.manifest(topic: topic, partition: partition, sequence: next)
      guard try await store.facts(of: key.text) != nil else { break }
      newest = key
      next += 1
    }
    return newest
  }

  /// The listed manifest with the highest number. Manifests are dense, so it is found by doubling and halving where there are
  /// more than one page of them.
  private func lastManifestKey() async throws -> ArchiveKey? {
    let prefix = ArchiveKey.manifests(topic, partition)
    guard var best = try await lastManifest(prefix, after: nil) else { return nil }
    guard best.hasMore else { return best.key }
    var (low, step) = (best.sequence, Int64(1_024))
    while let found = try await lastManifest(prefix, after: low + step) {
      best = found
      guard found.hasMore else { return best.key }
      low = found.sequence
      step *= 2
    }
    // Something follows `low`, nothing follows `high`.
    var high = low + step
    while low < high {
      let middle = low + (high - low) / 2
      guard let found = try await lastManifest(prefix, after: middle) else {
        high = middle
        continue
      }
      best = found
      guard found.hasMore else { return best.key }
      low = found.sequence
    }
    return best.key
  }

  private struct Page {
    let key: ArchiveKey
    let sequence: Int64
    let hasMore: Bool
  }

  /// The last manifest of the first page behind a number.
  private func lastManifest(_ prefix: String, after: Int64?) async throws -> Page? {
    var after = after.map { ArchiveKey.signature(topic: topic, partition: partition, sequence: $0).text }
    while true {
      let page = try await store.list(prefix: prefix, after: after)
      for object in page.objects.reversed() {
        if case .manifest(_, _, let sequence)? = ArchiveKey(object.key) {
          return Page(
            key: .manifest(topic: topic, partition: partition, sequence: sequence), sequence: sequence,
            hasMore: page.next != nil)
        }
      }
      guard let next = page.next else { return nil }
      after = next
    }
  }

  /// The cuts from an offset on; without one, all.
  private func cuts(from offset: Int64?) async throws -> [CutRecord] {
    var cuts: [CutRecord] = []
    var expected = offset
    var after = offset.flatMap { $0 > 0 ? ArchiveKey.cut(topic: topic, partition: partition, first: $0 - 1).text : nil }
    repeat {
      let page = try await store.list(prefix: ArchiveKey.cuts(topic, partition), after: after)
      for object in page.objects {
        guard case .cut(_, _, let first)? = ArchiveKey(object.key) else { continue }
        let key = ArchiveKey.cut(topic: topic, partition: partition, first: first)
        // A list that lags behind may also lack one in the middle.
        while let missing = expected, missing < first, let cut = try await unlistedCut(missing) {
          expected = cut.last + 1
          cuts.append(cut)
        }
        guard expected == nil || expected == first else {
          throw conflict(key, "a cut that begins at \(expected ?? 0) should come first")
        }
        let cut = try await cut(key)
        expected = cut.last + 1
        cuts.append(cut)
      }
      after = page.next
    } while after != nil
    while let next = expected, let cut = try await unlistedCut(next) {
      expected = cut.last + 1
      cuts.append(cut)
    }
    return cuts
  }

  /// The cut that begins at an offset, if there is one.
  private func unlistedCut(_ first: Int64) async throws -> CutRecord? {
    let key = ArchiveKey.cut(topic: topic, partition: partition, first: first)
    guard try await store.facts(of: key.text) != nil else { return nil }
    return try await cut(key)
  }

  private func cut(_ key: ArchiveKey) async throws -> CutRecord {
    let cut: CutRecord
    do {
      cut = try CutRecord(bytes: try await store.bytes(of: key.text, max: BookkeepingFields.bytesMax))
    } catch let error as ArchiveError {
      throw conflict(key, error.detail)
    }
    guard cut.key == key else { throw conflict(key, "it names itself \(cut.key.text)") }
    return cut
  }

  private func isStored(_ cut: CutRecord) async throws -> Bool {
    for object in cut.objects {
      guard let facts = try await store.facts(of: object.key) else { return false }
      guard facts.size == object.bytes else {
        throw ArchiveError(
          .conflict,
          "\(object.key) has \(facts.size) bytes and should have \(object.bytes): it is not what this archive wrote; "
            + "'strandline verify' tells more")
      }
      try await store.ensureListed(object.key)
    }
    return true
  }

  private func conflict(_ key: ArchiveKey, _ detail: String) -> ArchiveError {
    ArchiveError(.conflict, "\(key.text) is not what this archive wrote: \(detail); 'strandline verify' tells more")
  }
}

extension ObjectStore {
  /// A small object's bytes.
  /// - Throws: `garbled` for more than `max` bytes.
  func bytes(of key: String, max: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    _ = try await read(key, from: 0) { chunk in
      guard bytes.count + chunk.count <= max else {
        throw ArchiveError(.garbled, "\(key) has more than \(max) bytes")
      }
      bytes += chunk
    }
    return bytes
  }
}
