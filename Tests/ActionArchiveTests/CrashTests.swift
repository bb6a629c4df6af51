import Crypto
import Kafka
import ObjectStores
import Synchronization
import Testing

@testable import ActionArchive

@Suite("An archive job that is interrupted", .serialized)
struct CrashTests {
  private let signer: ManifestSigner

  init() throws { signer = try ManifestSigner(pem: testKey(Curve25519.Signing.PrivateKey())) }

  private func drain(
    _ fixture: ArchiveFixture, into store: MemoryStore, _ change: (inout ArchiveConfiguration) -> Void = { _ in }
  ) async throws -> ArchiveStatus {
    let signer = signer
    return try await fixture.drain(into: store) {
      $0.limits.recordsMax = 4
      $0.signer = signer
      change(&$0)
    }
  }

  @Test("makes the same archive wherever it was cut off: before or after any object came into being")
  func everyMoment() async throws {
    let fixture = try ArchiveFixture(partitions: 2)
    try await fixture.sendNumbered(0..<10)
    try await fixture.sendNumbered(10..<20, from: ArchiveFixture.time(3))
    try await fixture.sendNumbered(0..<3, partition: 1)
    let reference = MemoryStore()
    _ = try await drain(fixture, into: reference)
    #expect(reference.lineKeys.count == 7)
    for key in reference.keys {
      for isAfter in [false, true] {
        let store = MemoryStore()
        let error = ObjectStoreError(.forbidden, "the plug was pulled")
        store.fail { $0 == key ? (isAfter ? .after(error) : .before(error)) : nil }
        let broken = try await drain(fixture, into: store)
        #expect(broken.partitions.values.contains { $0.stop != nil }, "\(key)")
        store.fail(nil)
        let status = try await drain(fixture, into: store)
        #expect(status.partitions.values.allSatisfy { $0.stop == nil }, "\(key)")
        #expect(store.differences(from: reference) == [], "\(key) \(isAfter)")
      }
    }
    await fixture.end()
  }

  @Test("keeps to the end that was decided before the crash, though the topic has more by now")
  func decidedEnd() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.sendNumbered(0..<3)
    let store = MemoryStore()
    let error = ObjectStoreError(.forbidden, "the plug was pulled")
    store.fail { $0.hasPrefix("topic=") ? .before(error) : nil }
    _ = try await drain(fixture, into: store)
    #expect(store.lineKeys == [])
    store.fail(nil)
    try await fixture.sendNumbered(3..<6)
    // Settings that would cut otherwise do not matter for what was decided.
    let status = try await drain(fixture, into: store) {
      $0.limits.recordsMax = 2
      $0.layout.compression = .zstd
    }
    #expect(status.actions == 6)
    #expect(store.lineKeys.map { ObjectName($0)?.last } == [2, 4, 5])
    #expect(store.lineKeys.map { ObjectName($0)?.compression } == [.gzip, .zstd, .zstd])
    await fixture.end()
  }

  @Test("tries again while the store does not answer, and skips nothing")
  func retries() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.sendNumbered(0..<10)
    let (reference, store) = (MemoryStore(), MemoryStore())
    _ = try await drain(fixture, into: reference)
    let tries = Mutex<[String: Int]>([:])
    store.fail { key in
      let count = tries.withLock { tries in
        tries[key, default: 0] += 1
        return tries[key] ?? 0
      }
      let error = ObjectStoreError(.unavailable, "later", isRetriable: true)
      return count == 1 ? .before(error) : count == 2 ? .after(error) : nil
    }
    let status = try await drain(fixture, into: store)
    #expect(status.actions == 10)
    #expect(store.differences(from: reference) == [])
    await fixture.end()
  }

  @Test("stops at an object of that name with other content, and leaves it and what follows alone")
  func conflict() async throws {
    let fixture = try ArchiveFixture(partitions: 2)
    try await fixture.sendNumbered(0..<10)
    try await fixture.sendNumbered(0..<5, partition: 1)
    let reference = MemoryStore()
    _ = try await drain(fixture, into: reference)
    let store = MemoryStore()
    let key = reference.lineKeys[1]
    store.set(key, [1, 2, 3])
    let status = try await drain(fixture, into: store)
    #expect(status.partitions[0]?.stop?.reason.contains("conflict") == true)
    #expect(status.partitions[0]?.archived == 4)
    #expect(status.partitions[1]?.stop == nil)
    #expect(store.objects[key] == [1, 2, 3])
    #expect(store.lineKeys.filter { ObjectName($0)?.partition == 0 } == Array(reference.lineKeys[..<2]))
    // It stays so, and says what to look at.
    let again = try await drain(fixture, into: store)
    #expect(again.partitions[0]?.stop?.reason.contains(key) == true)
    await fixture.end()
  }

  @Test("stops when the topic is not the one that was archived")
  func anotherTopic() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.sendNumbered(0..<10)
    let store = MemoryStore()
    _ = try await drain(fixture, into: store)
    let kept = store.objects
    let other = try ArchiveFixture()
    try await other.sendNumbered(0..<5)
    let status = try await drain(other, into: store)
    #expect(status.partitions[0]?.stop?.reason.contains("made anew") == true)
    #expect(store.objects.count == kept.count)
    await fixture.end()
    await other.end()
  }

  @Test("states what the topic lost before it was archived")
  func hole() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.sendNumbered(0..<5)
    let store = MemoryStore()
    _ = try await drain(fixture, into: store)
    // The embedded broker keeps some 5 MiB of a partition.
    let large = String(repeating: "x", count: 200_000)
    for _ in 0..<60 { try await fixture.send("{\"event\":\"Large\",\"details\":{\"x\":\"\(large)\"}}") }
    let status = try await drain(fixture, into: store)
    #expect(status.lostOffsets > 0)
    let key = try #require(store.lineKeys.first { ObjectName($0)?.first == 5 })
    let first = try #require(try store.lines(key).first)
    #expect(first == "{\"hole\":{\"from\":5,\"to\":\(4 + Int(status.lostOffsets))},\"partition\":0}")
    #expect(try store.manifests.last?.holes == [5...(4 + Int64(status.lostOffsets))])
    #expect(Int64(status.lostOffsets) + Int64(status.actions) == 60)
    var verification = ArchiveVerification(store: store, keys: [signer.publicKey], onFinding: { Issue.record("\($0)") })
    let report = try await verification.run()
    #expect(report.lostOffsets == Int64(status.lostOffsets))
    await fixture.end()
  }

  @Test("goes on where it stood though the store's lists lag behind its objects")
  func lists() async throws {
    let fixture = try ArchiveFixture()
    let store = MemoryStore()
    try await fixture.sendNumbered(0..<10)
    try await fixture.drain(into: store) { $0.limits.recordsMax = 4 }
    let bookkeeping = store.keys.filter { $0.hasPrefix("_") }
    try await fixture.sendNumbered(10..<20)
    let reference = MemoryStore()
    for (key, bytes) in store.objects { reference.set(key, bytes) }
    try await fixture.drain(into: reference) { $0.limits.recordsMax = 4 }
    // All but the first of each kind, then all of them.
    for unlisted in [bookkeeping.filter { !$0.contains("00000.json") }, bookkeeping] {
      let copy = MemoryStore()
      for (key, bytes) in store.objects { copy.set(key, bytes) }
      copy.state.withLock { $0.unlisted = Set(unlisted) }
      try await fixture.drain(into: copy) { $0.limits.recordsMax = 4 }
      #expect(copy.differences(from: reference) == [])
    }
    await fixture.end()
  }

  @Test("has what was put last listed, when store and archiver were killed before it was")
  func relisted() async throws {
    let fixture = try ArchiveFixture()
    let store = MemoryStore()
    try await fixture.sendNumbered(0..<10)
    try await fixture.drain(into: store) { $0.limits.recordsMax = 4 }
    // A manifest; then, without it, the record of a cut and its object.
    let manifest = try #require(store.keys.last { $0.hasPrefix("_manifests/") && $0.hasSuffix(".json") })
    let cut = try #require(store.keys.last { $0.hasPrefix("_cuts/") })
    let object = try #require(store.lineKeys.last)
    for last in [[manifest], [cut, object]] {
      let copy = MemoryStore()
      for (key, bytes) in store.objects where last.contains(manifest) || !key.hasPrefix("_manifests/") {
        copy.set(key, bytes)
      }
      copy.state.withLock {
        $0.unlisted = Set(last)
        $0.isListedWhenAsked = true
      }
      _ = try await ChainRecovery(store: copy, topic: ArchiveFixture.topic, partition: 0).run()
      #expect(copy.state.withLock { $0.unlisted } == [])
    }
    await fixture.end()
  }
}
