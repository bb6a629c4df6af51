import ActionProof
import Crypto
import Kafka
import ObjectStores
import Synchronization
import Testing

@testable import ActionArchive

/// An archive of several objects, statements and manifests, signed.
struct SignedArchive {
  let store: MemoryStore
  let key: Curve25519.Signing.PrivateKey

  var signer: ManifestSigner {
    get throws { try ManifestSigner(pem: testKey(key)) }
  }

  /// Made by the job itself, in three runs: records of three hours, some that break the contract.
  static func make() async throws -> SignedArchive {
    let archive = SignedArchive()
    let fixture = try ArchiveFixture(partitions: 2)
    let signer = try archive.signer
    for run in 0..<3 {
      try await fixture.sendNumbered((run * 10)..<(run * 10 + 10), from: ArchiveFixture.time(Int64(run)))
      try await fixture.send("no JSON", at: ArchiveFixture.time(Int64(run), minutes: 30))
      try await fixture.drain(into: archive.store) {
        $0.limits.recordsMax = 4
        $0.signer = signer
      }
    }
    await fixture.end()
    return archive
  }

  func copy() -> SignedArchive {
    let copy = SignedArchive(store: MemoryStore(), key: key)
    for (key, bytes) in store.objects { copy.store.set(key, bytes) }
    return copy
  }

  init(store: MemoryStore = MemoryStore(), key: Curve25519.Signing.PrivateKey = .init()) {
    self.store = store
    self.key = key
  }

  func verify(withKey: Bool = true) async throws -> (report: VerificationReport, findings: [ArchiveFinding]) {
    let findings = Mutex<[ArchiveFinding]>([])
    var verification = ArchiveVerification(
      store: store, keys: withKey ? [try signer.publicKey] : [],
      onFinding: { finding in findings.withLock { $0.append(finding) } })
    let report = try await verification.run()
    #expect(report.findings == findings.withLock { $0.count })
    return (report, findings.withLock { $0 })
  }

  func manifestKey(_ sequence: Int64) -> String {
    ArchiveKey.manifest(topic: ArchiveFixture.topic, partition: 0, sequence: sequence).text
  }

  /// Writes a manifest anew after a change, with the hashes of all that follow put right, as somebody would who can
  /// write to the store but does not have the key.
  func forge(from sequence: Int64, _ change: (inout Manifest) -> Void) throws {
    var previous: [UInt8]?
    for number in sequence... {
      guard let bytes = store.objects[manifestKey(number)] else { return }
      var manifest = try Manifest(bytes: bytes)
      if number == sequence { change(&manifest) } else { manifest.previous = previous }
      store.set(manifestKey(number), manifest.bytes)
      previous = Manifest.hash(manifest.bytes)
    }
  }
}

@Suite("Verifying an archive", .serialized)
struct VerifyTests {
  @Test("finds nothing in an archive as it was made, with the key and without")
  func clean() async throws {
    let archive = try await SignedArchive.make()
    let (report, findings) = try await archive.verify()
    #expect(findings == [])
    #expect(report.actions == 30)
    #expect(report.rejected == 3)
    #expect(report.uncheckedSignatures == 0)
    #expect(report.unsealedObjects == 0)
    #expect(Int64(report.manifests) == 2 + (report.heads.reduce(0) { $0 + $1.sequence }))
    let unsigned = try await archive.verify(withKey: false)
    #expect(unsigned.findings == [])
    #expect(unsigned.report.uncheckedSignatures == report.manifests)
  }

  /// What is done to an archive, and what has to be said of it.
  struct Tampering: CustomStringConvertible, Sendable {
    let description: String
    let expected: [ArchiveFinding.Kind]
    /// Does it, and returns the key of what was touched.
    let change: @Sendable (SignedArchive) throws -> String
  }

  static let tamperings: [Tampering] = [
    Tampering(description: "an object is removed", expected: [.missing]) { archive in
      let key = archive.store.lineKeys[1]
      archive.store.set(key, nil)
      return key
    },
    Tampering(description: "an object is cut short", expected: [.truncated, .garbled]) { archive in
      let key = archive.store.lineKeys[1]
      archive.store.set(key, archive.store.objects[key].map { Array($0.dropLast(9)) })
      return key
    },
    Tampering(description: "an object is emptied", expected: [.truncated, .garbled]) { archive in
      let key = archive.store.lineKeys[1]
      archive.store.set(key, [])
      return key
    },
    Tampering(description: "a byte of an object is changed", expected: [.altered, .garbled]) { archive in
      let key = archive.store.lineKeys[2]
      var bytes = try #require(archive.store.objects[key])
      bytes[bytes.count / 2] ^= 0x10
      archive.store.set(key, bytes)
      return key
    },
    Tampering(description: "bytes follow an object", expected: [.altered, .garbled]) { archive in
      let key = archive.store.lineKeys[0]
      archive.store.set(key, archive.store.objects[key].map { $0 + [1, 2, 3] })
      return key
    },
    Tampering(description: "an object's body is changed and packed again", expected: [.altered, .altered]) { archive in
      let key = archive.store.lineKeys[0]
      archive.store.set(key, try pack(try archive.store.lines(key).map { $0.replacing("Numbered", with: "Reworded") }))
      return key
    },
    Tampering(
      description: "a line is removed and the object packed again", expected: [.truncated]
    ) { archive in
      let key = archive.store.lineKeys[0]
      var lines = try archive.store.lines(key)
      lines.remove(at: 1)
      archive.store.set(key, try pack(lines))
      return key
    },
    Tampering(description: "a line is removed, and the manifests say so", expected: [.missingOffset]) { archive in
      let key = archive.store.lineKeys[0]
      var lines = try archive.store.lines(key)
      lines.remove(at: 1)
      let bytes = try pack(lines)
      archive.store.set(key, bytes)
      try archive.forge(from: 0) { manifest in
        manifest.objects[0].content.sha256 = Manifest.hash(bytes)
        manifest.objects[0].content.bytes = Int64(bytes.count)
        manifest.objects[0].content.lines -= 1
        manifest.objects[0].content.actions -= 1
        let content = Array((lines.joined(separator: "\n") + "\n").utf8)
        manifest.objects[0].content.contentSHA256 = Manifest.hash(content)
        manifest.objects[0].content.contentBytes = Int64(content.count)
      }
      return key
    },
    Tampering(description: "an object is added", expected: [.added]) { archive in
      let key = archive.store.lineKeys[0].replacing("hour=12", with: "hour=11")
      archive.store.set(key, archive.store.objects[archive.store.lineKeys[0]])
      return key
    },
    Tampering(description: "a strange object is added", expected: [.added]) { archive in
      archive.store.set("topic=audit.actions/readme.txt", [1])
      return "topic=audit.actions/readme.txt"
    },
    Tampering(description: "a manifest is removed", expected: [.missing, .added]) { archive in
      archive.store.set(archive.manifestKey(1), nil)
      return archive.manifestKey(1)
    },
    Tampering(description: "a manifest is garbage", expected: [.garbled]) { archive in
      archive.store.set(archive.manifestKey(1), Array("{\"format\":".utf8))
      return archive.manifestKey(1)
    },
    Tampering(description: "a manifest is written in another form", expected: [.garbled]) { archive in
      let key = archive.manifestKey(1)
      archive.store.set(key, archive.store.objects[key].map { $0 + [0x0A] })
      return key
    },
    Tampering(description: "a manifest forgets its last object", expected: [.missingOffset]) { archive in
      try archive.forge(from: 0) { $0.objects.removeLast() }
      return archive.manifestKey(0)
    },
    Tampering(description: "a manifest speaks for fewer offsets", expected: [.missingOffset]) { archive in
      try archive.forge(from: 0) {
        $0.objects.removeLast()
        $0.nextOffset = ($0.objects.last?.last ?? 0) + 1
      }
      return archive.manifestKey(1)
    },
    Tampering(description: "a manifest names another before it", expected: [.brokenChain]) { archive in
      try archive.forge(from: 2) { $0.previous = [UInt8](repeating: 7, count: 32) }
      return archive.manifestKey(2)
    },
    Tampering(description: "a manifest is moved to another period", expected: [.brokenChain]) { archive in
      try archive.forge(from: 1) { $0.startMilliseconds -= 36_000_000 }
      return archive.manifestKey(1)
    },
    Tampering(description: "a signature is removed", expected: [.missingSignature]) { archive in
      archive.store.set(archive.manifestKey(0) + ".sig", nil)
      return archive.manifestKey(0) + ".sig"
    },
    Tampering(description: "a signature is of another key", expected: [.wrongSignature]) { archive in
      let bytes = try #require(archive.store.objects[archive.manifestKey(0)])
      let signer = try ManifestSigner(pem: testKey(.init()))
      archive.store.set(archive.manifestKey(0) + ".sig", try signer.signature(of: bytes))
      return archive.manifestKey(0) + ".sig"
    },
    Tampering(description: "a signature is garbage", expected: [.wrongSignature]) { archive in
      archive.store.set(archive.manifestKey(0) + ".sig", [1, 2, 3])
      return archive.manifestKey(0) + ".sig"
    },
    Tampering(description: "everything is forged but the signature", expected: [.wrongSignature]) { archive in
      let key = archive.store.lineKeys[0]
      let bytes = try pack(try archive.store.lines(key).map { $0.replacing("Numbered", with: "Reworded") })
      archive.store.set(key, bytes)
      try archive.forge(from: 0) { manifest in
        manifest.objects[0].content.sha256 = Manifest.hash(bytes)
        manifest.objects[0].content.bytes = Int64(bytes.count)
        if let lines = try? archive.store.lines(key) {
          manifest.objects[0].content.contentSHA256 = Manifest.hash(Array((lines.joined(separator: "\n") + "\n").utf8))
        }
      }
      return archive.manifestKey(0) + ".sig"
    },
    Tampering(description: "a cut record says something else", expected: [.altered]) { archive in
      let key = ArchiveKey.cut(topic: ArchiveFixture.topic, partition: 0, first: 0).text
      var cut = try CutRecord(bytes: try #require(archive.store.objects[key]))
      cut.objects[0].content.actions += 1
      archive.store.set(key, cut.bytes)
      return key
    },
  ]

  static func pack(_ lines: [String]) throws -> [UInt8] {
    let packer = try ArchiveCompression.gzip.compressor()
    var bytes: [UInt8] = []
    try Array((lines.joined(separator: "\n") + "\n").utf8).withUnsafeBytes { content in
      try packer.compress(content, isLast: true) { (packed) throws(ArchiveError) in bytes += packed }
    }
    return bytes
  }

  @Test("finds each kind of tampering and names what was touched")
  func tampered() async throws {
    let archive = try await SignedArchive.make()
    #expect(try archive.store.manifests.count >= 4)
    for tampering in Self.tamperings {
      let copy = archive.copy()
      let touched = try tampering.change(copy)
      let (report, findings) = try await copy.verify()
      #expect(!report.isClean, "\(tampering)")
      for kind in Set(tampering.expected) {
        #expect(findings.contains { $0.kind == kind }, "\(tampering): \(findings)")
      }
      #expect(
        findings.contains { $0.key == touched || $0.key == touched + ".sig" }, "\(tampering) of \(touched): \(findings)"
      )
    }
  }

  @Test("garbage in any object is found and never traps")
  func garbage() async throws {
    let archive = try await SignedArchive.make()
    var random = SystemRandomNumberGenerator()
    for key in archive.store.keys {
      for _ in 0..<4 {
        let copy = archive.copy()
        var bytes = try #require(copy.store.objects[key])
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes = (0..<Int.random(in: 0..<400)).map { _ in UInt8.random(in: 0...255) }
        case 1: bytes[Int.random(in: 0..<bytes.count)] ^= UInt8.random(in: 1...255)
        case 2: bytes.removeSubrange(Int.random(in: 0..<bytes.count)..<bytes.count)
        default:
          bytes.insert(
            contentsOf: [UInt8](repeating: UInt8.random(in: 0...255), count: 40), at: Int.random(in: 0...bytes.count))
        }
        if bytes == copy.store.objects[key] { continue }
        copy.store.set(key, bytes)
        let (report, _) = try await copy.verify()
        #expect(!report.isClean, "\(key): \(bytes)")
      }
    }
  }

  @Test("any byte of a cut record is found when it is another", arguments: ["sealed", "open"])
  func cutRecords(kind: String) async throws {
    let archive = try await SignedArchive.make()
    // Of partition 0, behind its first: the last is the open period's, if there is one.
    let cuts = archive.store.keys.filter { $0.hasPrefix("_cuts/") && $0.contains("partition=0") }.sorted()
    let key = try #require(kind == "open" ? cuts.last : cuts.first)
    let size = try #require(archive.store.objects[key]).count
    // Every seventh, from another one each time.
    for index in stride(from: Int.random(in: 0..<7), to: size, by: 7) {
      let copy = archive.copy()
      var bytes = try #require(copy.store.objects[key])
      // A digit stays a digit: what is not JSON any more is found at once.
      bytes[index] ^= 1
      copy.store.set(key, bytes)
      let (report, _) = try await copy.verify()
      #expect(!report.isClean, "\(key): byte \(index) of \(String(decoding: bytes, as: UTF8.self))")
    }
  }

  @Test("a bomb is not unpacked beyond what was written", arguments: ArchiveCompression.allCases)
  func bomb(compression: ArchiveCompression) throws {
    let packer = try compression.compressor()
    var packed: [UInt8] = []
    let block = [UInt8](repeating: 0x20, count: ArchiveCompression.blockBytes)
    for index in 0..<512 {
      try block.withUnsafeBytes { bytes in
        try packer.compress(bytes, isLast: index == 511) { (output) throws(ArchiveError) in packed += output }
      }
    }
    var scan = ObjectScan(partition: 0, proof: RecordProof(), contentBytesMax: 1_000_000)
    let unpacker = try compression.decompressor()
    packed.withUnsafeBytes { scan.take($0, unpacker) }
    #expect(scan.fault?.contains("more than 1000000 bytes") == true)
    #expect(scan.facts.contentBytes < 1_200_000)
  }

  @Test("an empty place is no archive")
  func empty() async throws {
    await #expect(throws: ArchiveError.self) { try await SignedArchive().verify() }
  }
}
