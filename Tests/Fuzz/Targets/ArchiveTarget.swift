import Crypto
import Dispatch
import Foundation
import ObjectStores
import Synchronization

@testable import ActionArchive

/// Objects of an archive, damaged: the verifier finds every change, whatever it is, and neither it nor the reader traps.
/// Half of the damage is done to lines before they are packed, so that it is not all caught by the packing's checksum.
final class ArchiveTarget: FuzzTarget {
  static let name = "archive"
  static let share = 1_000_000

  private let sample: FuzzedStore
  private let keys: [String]
  private let publicKey: ManifestVerifier
  private let mutation = Mutation(
    [
      "\"offset\":", "\"partition\":0", "{\"hole\":{\"from\":0,\"to\":9},\"partition\":0}\n",
      "{\"gap\":{\"from\":5,\"to\":9223372036854775806},\"partition\":0}\n", "9223372036854775807", "\"bodyBase64\":\"",
      "null",
      "\"state\":\"open\"", "\"previous\":", "T00:00:00.000Z",
    ], raw: [[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF], [0x28, 0xB5, 0x2F, 0xFD]])

  init(seed: UInt64) throws {
    var random = SeededRandom(seed: seed, target: Self.name, iteration: 0)
    let raw = (0..<32).map { _ in random.byte() }
    let der = Data([0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]) + Data(raw)
    let signer = try ManifestSigner(
      pem: "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n")
    publicKey = signer.publicKey
    sample = FuzzedStore()
    let sample = sample
    let packing = PackingThreads(count: 1)
    let fault = try Self.finished { () async -> String? in
      do {
        for (partition, compression) in zip(Int32(0)..., ArchiveCompression.allCases) {
          try await Self.fill(sample, partition, compression, signer, packing)
        }
      } catch {
        return "\(error)"
      }
      await packing.end()
      return nil
    }
    if let fault { throw Finding(fault, []) }
    keys = sample.objects.keys.sorted()
    guard try verify(sample)?.isClean == true else { throw Finding("the sample is not clean", []) }
  }

  /// Two cuts and two manifests.
  private static func fill(
    _ store: FuzzedStore, _ partition: Int32, _ compression: ArchiveCompression, _ signer: ManifestSigner,
    _ packing: PackingThreads
  ) async throws {
    let spool = Scratch.path("archive")
    let start: Int64 = 1_763_726_400_000
    var chain = PartitionChain(topic: "t", partition: partition)
    for first in [Int64(0), 6] {
      var lines: [UInt8] = []
      var content = ObjectContent()
      for offset in first..<(first + 4) {
        let body = "{\"event\":\"Numbered\",\"details\":{\"n\":\(offset)}}"
        lines +=
          "{\"project\":\"p\",\"queue\":\"q\(offset % 2)\",\"partition\":\(partition),\"offset\":\(offset),\"event\":\"Numbered\",\"time\":\"\(ArchiveTime.text(start + offset))\",\"timeType\":\"CreateTime\",\"headers\":{},\"body\":\(body)}\n"
          .utf8
        content.note(time: start + offset)
      }
      lines += "{\"gap\":{\"from\":\(first + 4),\"to\":\(first + 5)},\"partition\":\(partition)}\n".utf8
      let writer = try ObjectWriter(path: spool, compression: compression, packing: packing)
      try lines.withUnsafeBytes { bytes in
        try writer.append(bytes) { facts in
          facts.lines = 5
          facts.actions = 4
          facts.gapOffsets = 2
          facts.times = content.times
        }
      }
      let facts = try await writer.finish().content()
      let name = ObjectName(
        project: nil, topic: "t", partition: partition, first: first, last: first + 5, startMilliseconds: start,
        compression: compression)
      store.objects[name.text] = FileManager.default.contents(atPath: spool).map { [UInt8]($0) } ?? []
      let cut = CutRecord(
        topic: "t", partition: partition, first: first, last: first + 5, startMilliseconds: start, periodSeconds: 3_600,
        objects: [ObjectRecord(key: name.text, first: first, last: first + 5, content: facts)], holes: [])
      store.objects[cut.key.text] = cut.bytes
      chain.add(cut)
      let manifest = chain.manifest(
        startMilliseconds: start, periodSeconds: 3_600, state: first == 0 ? .open : .closed, emptyOffset: first,
        signer: signer.publicKey.fingerprint)
      store.objects[manifest.key.text] = manifest.bytes
      store.objects[manifest.signatureKey.text] = try signer.signature(of: manifest.bytes)
      chain.follow(manifest, hash: Manifest.hash(manifest.bytes))
    }
    try? FileManager.default.removeItem(atPath: spool)
  }

  func run(_ random: inout SeededRandom) throws {
    let store = FuzzedStore()
    store.objects = sample.objects
    let key = random.pick(keys)
    let other = sample.objects[random.pick(keys)] ?? []
    let original = sample.objects[key] ?? []
    let damaged: [UInt8]
    if let name = ObjectName(key), random.oneIn(2) {
      let lines = try Self.unpack(original, name.compression)
      damaged = try Self.pack(mutation.apply(to: lines, with: other, &random), name.compression)
    } else {
      damaged = mutation.apply(to: original, with: other, &random)
    }
    store.objects[key] = damaged
    guard damaged != original else { return }
    let report = try verify(store)
    guard report?.isClean != true else { throw Finding("nothing is found wrong with \(key)", damaged) }
    try read(store, random.below(12))
    _ = try? Manifest(bytes: damaged)
    _ = try? CutRecord(bytes: damaged)
    _ = ArchiveKey(String(decoding: damaged.prefix(200), as: UTF8.self))
  }

  /// Nil where the verifier says that there is no archive.
  private func verify(_ store: FuzzedStore) throws -> VerificationReport? {
    try Self.finished { [publicKey] in
      var verification = ArchiveVerification(store: store, keys: [publicKey], onFinding: { _ in })
      return try? await verification.run()
    }
  }

  private func read(_ store: FuzzedStore, _ offset: Int) throws {
    try Self.finished {
      let reader = ArchiveReader(store: store)
      try? await reader.lines(ArchiveSelection(topic: "t")) { line, bytes in _ = line.exactBytes(in: bytes) }
      _ = try? await reader.body(topic: "t", partition: 0, offset: Int64(offset))
      _ = try? await ChainRecovery(store: store, topic: "t", partition: 0).run()
    }
  }

  /// Waits for work that never waits itself: this thread is not of the pool that carries it out.
  private static func finished<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) throws -> Value {
    let box = Box<Value>()
    let ended = DispatchSemaphore(value: 0)
    Task {
      let value = await body()
      box.value.withLock { $0 = value }
      ended.signal()
    }
    ended.wait()
    guard let value = box.value.withLock({ $0 }) else { throw Finding("no result", []) }
    return value
  }

  private static func pack(_ lines: [UInt8], _ compression: ArchiveCompression) throws -> [UInt8] {
    let packer = try compression.compressor()
    var packed: [UInt8] = []
    try lines.withUnsafeBytes { bytes in
      try packer.compress(bytes, isLast: true) { (output) throws(ArchiveError) in packed += output }
    }
    return packed
  }

  private static func unpack(_ packed: [UInt8], _ compression: ArchiveCompression) throws -> [UInt8] {
    let unpacker = try compression.decompressor()
    var lines: [UInt8] = []
    try packed.withUnsafeBytes { bytes in try unpacker.decompress(bytes) { lines += $0 } }
    return lines
  }
}

private final class Box<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}

/// Objects in memory, read by one verification at a time.
private final class FuzzedStore: ObjectStore, @unchecked Sendable {
  var objects: [String: [UInt8]] = [:]
  let location = "memory:"

  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    throw ObjectStoreError(.forbidden, "nothing is written here")
  }

  func read(
    _ key: String, from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> ObjectFacts {
    guard let bytes = objects[key] else { throw ObjectStoreError(.notFound, "there is no \(key)") }
    for start in stride(from: Int(offset), to: bytes.count, by: 100) {
      let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: min(100, bytes.count - start), alignment: 1)
      defer { chunk.deallocate() }
      chunk.copyBytes(from: bytes[start..<(start + chunk.count)])
      try await consume(UnsafeRawBufferPointer(chunk))
    }
    return ObjectFacts(key: key, size: Int64(bytes.count))
  }

  func facts(of key: String) async throws(ObjectStoreError) -> ObjectFacts? {
    objects[key].map { ObjectFacts(key: key, size: Int64($0.count)) }
  }

  func list(prefix: String, after: String?) async throws(ObjectStoreError) -> ObjectListing {
    let found = objects.filter { $0.key.hasPrefix(prefix) && $0.key > after ?? "" }.map {
      ObjectFacts(key: $0.key, size: Int64($0.value.count))
    }
    return ObjectListing(objects: found.sorted { $0.key < $1.key }, next: nil)
  }

  func prepare() async throws(ObjectStoreError) {}
  func close() async {}
}
