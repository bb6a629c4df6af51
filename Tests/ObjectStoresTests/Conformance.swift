import Crypto
import Foundation
import Logging
import Testing

@testable import ObjectStores

/// A store to be tested, empty below its prefix.
struct Place: Sendable {
  var store: any ObjectStore
  /// Keeps the SHA-256 an object was put with.
  var keepsSHA256 = true
  /// Of many writers of one key with different content, exactly one wins.
  var isAtomic = true
}

/// What every object store must do, whatever it is made of. The stores' suites run each of these.
struct ConformanceCheck: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let run: @Sendable (Place) async throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (Place) async throws -> Void) {
    testDescription = name
    self.run = run
  }

  /// Small, so that a few objects make several pages and parts.
  static var limits: ObjectStoreLimits {
    var limits = ObjectStoreLimits()
    limits.listObjectsMax = 3
    limits.singlePutBytesMax = 6 * 1024 * 1024
    limits.partBytes = 5 * 1024 * 1024
    limits.attemptsMax = 4
    return limits
  }

  static let all: [ConformanceCheck] = [
    .init("an object is stored once, found there again, and never replaced") { place in
      let store = place.store
      let object = NewObject.text("hello\n", at: "a/b.txt")
      let first = try await store.put(object)
      #expect(first == .stored)
      let second = try await store.put(object)
      #expect(second == .alreadyThere)
      for other in ["other\n", "hello, longer\n"] {
        let error = await #expect(throws: ObjectStoreError.self) {
          _ = try await store.put(.text(other, at: "a/b.txt"))
        }
        #expect(error?.code == .conflict)
        #expect(error?.isRetriable == false)
      }
      let (bytes, facts) = try await store.whole("a/b.txt")
      #expect(bytes == Array("hello\n".utf8))
      #expect(facts.size == 6)
      let asked = try #require(try await store.facts(of: "a/b.txt"))
      #expect(asked.size == 6)
      #expect(asked.sha256 == (place.keepsSHA256 ? object.sha256 : nil))
    },
    .init("what is not there is said to be not there") { place in
      let store = place.store
      let facts = try await store.facts(of: "nothing/here")
      #expect(facts == nil)
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await store.whole("nothing/here") }
      #expect(error?.code == .notFound)
      let late = await #expect(throws: ObjectStoreError.self) { _ = try await store.whole("nothing/here", from: 5) }
      #expect(late?.code == .notFound)
      let listing = try await store.list(prefix: "nothing", after: nil)
      #expect(listing == ObjectListing(objects: [], next: nil))
    },
    .init("an empty object is an object") { place in
      let stored = try await place.store.put(.bytes([], at: "empty"))
      #expect(stored == .stored)
      let (bytes, facts) = try await place.store.whole("empty")
      #expect(bytes.isEmpty && facts.size == 0)
      let again = try await place.store.put(.bytes([], at: "empty"))
      #expect(again == .alreadyThere)
    },
    .init("a key may be of any characters but control characters") { place in
      let keys = [
        "date=2026-11-21/hour=04/audit.actions+3+00017.ndjson.gz", "a b/c+d/e%20f", "ü/☃/\u{1F30A}", "q?x=1&y=2#z",
        "<&>\"'", "~_-.!*()", "a:b;c,d@e$f", "[x]{y}|^`",
      ]
      for key in keys {
        let stored = try await place.store.put(.text(key, at: key))
        #expect(stored == .stored, "\(key)")
      }
      for key in keys {
        let (bytes, _) = try await place.store.whole(key)
        #expect(String(decoding: bytes, as: UTF8.self) == key)
      }
      let listed = try await place.store.keys()
      #expect(listed == keys.sorted { ObjectKey.precedes($0, $1) })
    },
    .init("keys that could leave the prefix are refused by every call") { place in
      for key in ["../a", "/a", "a/../../b", "", "a//b", "./a"] {
        let errors = [
          await #expect(throws: ObjectStoreError.self) { _ = try await place.store.put(.text("x", at: key)) },
          await #expect(throws: ObjectStoreError.self) { _ = try await place.store.facts(of: key) },
          await #expect(throws: ObjectStoreError.self) { _ = try await place.store.whole(key) },
        ]
        #expect(errors.allSatisfy { $0?.code == .invalidConfiguration }, "\(key)")
      }
    },
    .init("an object is read from any offset on; beyond its end is an error") { place in
      let content = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      _ = try await place.store.put(.bytes(content, at: "numbers"))
      for offset in [0, 1, 500, 999, 1_000] {
        let (bytes, facts) = try await place.store.whole("numbers", from: Int64(offset))
        #expect(bytes == Array(content[offset...]), "from \(offset)")
        #expect(facts.size == 1_000)
      }
      for offset in [-1, 1_001, Int64.max] {
        let error = await #expect(throws: ObjectStoreError.self) {
          _ = try await place.store.whole("numbers", from: offset)
        }
        #expect(error?.code == .invalidConfiguration, "from \(offset)")
      }
    },
    .init("what a reader throws ends the reading, and reaches its caller as it is") { place in
      struct Enough: Error {}
      _ = try await place.store.put(.bytes([UInt8](repeating: 7, count: 3_000_000), at: "long"))
      await #expect(throws: Enough.self) { _ = try await place.store.read("long", from: 0) { _ in throw Enough() } }
    },
    .init("a list comes in pages, in the order of bytes, from any key on, and by any beginning") { place in
      let keys = ["a-b", "a/1", "a/2", "a/b/c", "a.b/c", "a0", "b", "B/x", "ab/c", "a/10", "a/b.c"]
      for key in keys { _ = try await place.store.put(.text(key, at: key)) }
      let sorted = keys.sorted { ObjectKey.precedes($0, $1) }
      let all = try await place.store.keys()
      #expect(all == sorted)
      let beginnings = ["a", "a/", "a/b", "b", "ab/c", "z", "a/1"]
      for beginning in beginnings {
        let listed = try await place.store.keys(prefix: beginning)
        #expect(listed == sorted.filter { ObjectKey.begins($0, with: beginning) }, "beginning with \(beginning)")
      }
      for after in ["", "a", "a/", "a/1", "a/zzz", "b/x", "zz", "a.not-there"] {
        let listed = try await place.store.keys(after: after)
        #expect(listed == sorted.filter { ObjectKey.precedes(after, $0) }, "after \(after)")
      }
      let page = try await place.store.list(prefix: "", after: nil)
      #expect(page.objects.count <= 3 && page.next != nil)
      #expect(page.objects.allSatisfy { $0.size == Int64($0.key.utf8.count) })
    },
    .init("a file larger than a part arrives whole, and only once") { place in
      try await withFolder { folder in
        let (path, sha256, size) = try makeFile(folder + "/large", bytes: 12 * 1024 * 1024 + 17)
        let object = NewObject(
          key: "large/file", content: .file(path: path, size: size), sha256: sha256,
          contentType: "application/octet-stream")
        let first = try await place.store.put(object)
        #expect(first == .stored)
        var hash = SHA256()
        let facts = try await place.store.read("large/file", from: 0) { hash.update(bufferPointer: $0) }
        #expect(facts.size == size)
        #expect(Array(hash.finalize()) == sha256)
        if place.keepsSHA256 { #expect(facts.sha256 == sha256) }
        let listing = try await place.store.list(prefix: "", after: nil)
        #expect(listing.objects.map(\.key) == ["large/file"])
        #expect(listing.objects.map(\.size) == [size])
        let again = try await place.store.put(object)
        #expect(again == .alreadyThere)
        let (other, otherSHA256, otherSize) = try makeFile(folder + "/other", bytes: Int(size))
        let error = await #expect(throws: ObjectStoreError.self) {
          _ = try await place.store.put(
            NewObject(
              key: "large/file", content: .file(path: other, size: otherSize), sha256: otherSHA256, contentType: "a/b"))
        }
        #expect(error?.code == .conflict)
        let (tail, _) = try await place.store.whole("large/file", from: size - 5)
        #expect(tail.count == 5)
      }
    },
    .init("a conflict is a conflict while megabytes are on their way") { place in
      try await withFolder { folder in
        let files = try (0..<2).map { try makeFile(folder + "/\($0)", bytes: 5_900_000) }
        let objects = files.map {
          NewObject(key: "k", content: .file(path: $0.path, size: $0.size), sha256: $0.sha256, contentType: "a/b")
        }
        let first = try await place.store.put(objects[0])
        #expect(first == .stored)
        let error = await #expect(throws: ObjectStoreError.self) { _ = try await place.store.put(objects[1]) }
        #expect(error?.code == .conflict)
        let again = try await place.store.put(objects[0])
        #expect(again == .alreadyThere)
      }
    },
    .init("a small file arrives whole") { place in
      try await withFolder { folder in
        let (path, sha256, size) = try makeFile(folder + "/small", bytes: 700_001)
        let stored = try await place.store.put(
          NewObject(key: "small", content: .file(path: path, size: size), sha256: sha256, contentType: "a/b"))
        #expect(stored == .stored)
        let (bytes, _) = try await place.store.whole("small")
        #expect(Array(SHA256.hash(data: bytes)) == sha256)
      }
    },
    .init(
      "content that is not what was announced is not stored",
      { place in
        try await withFolder { folder in
          for bytes in [100, 7 * 1024 * 1024] {
            let (path, _, size) = try makeFile(folder + "/content-\(bytes)", bytes: bytes)
            let wrong = [UInt8](repeating: 1, count: 32)
            let contents: [NewObject.Content] = [
              .file(path: path, size: size), .file(path: path, size: size + 1), .bytes(Array("x".utf8)),
              .file(path: folder + "/missing", size: 5),
            ]
            for content in contents {
              let error = await #expect(throws: ObjectStoreError.self) {
                _ = try await place.store.put(.init(key: "bad", content: content, sha256: wrong, contentType: "a/b"))
              }
              #expect(error?.code == .io)
            }
            let facts = try await place.store.facts(of: "bad")
            #expect(facts == nil)
          }
          let listed = try await place.store.keys()
          #expect(listed.isEmpty)
        }
      }),
    .init("of many writers of the same bytes, all succeed") { place in
      let outcomes = try await race(place.store, writers: 8) { _ in "same" }
      #expect(outcomes.allSatisfy { (try? $0.get()) != nil })
      #expect(outcomes.contains { $0 == .success(.stored) })
      let (bytes, _) = try await place.store.whole("race")
      #expect(bytes == Array("same".utf8))
    },
    .init("of many writers of different bytes, no two store where the store decides atomically") { place in
      let outcomes = try await race(place.store, writers: 8) { "writer \($0)" }
      let stored = outcomes.indices.filter { outcomes[$0] == .success(.stored) }
      if place.isAtomic { #expect(stored.count == 1) }
      let (bytes, _) = try await place.store.whole("race")
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(stored.contains { text == "writer \($0)" })
    },
    .init("preparing finds all well, and leaves nothing behind") { place in
      try await place.store.prepare()
      try await place.store.prepare()
      let listed = try await place.store.keys()
      #expect(listed.isEmpty)
    },
  ]

  private static func race(
    _ store: any ObjectStore, writers: Int, _ text: @escaping @Sendable (Int) -> String
  ) async throws -> [Result<PutOutcome, ObjectStoreError>] {
    await withTaskGroup(of: (Int, Result<PutOutcome, ObjectStoreError>).self) { group in
      for writer in 0..<writers {
        group.addTask {
          do throws(ObjectStoreError) {
            return (writer, .success(try await store.put(.text(text(writer), at: "race"))))
          } catch {
            return (writer, .failure(error))
          }
        }
      }
      return await group.reduce(into: [(Int, Result<PutOutcome, ObjectStoreError>)]()) { $0.append($1) }
        .sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}

extension ObjectStore {
  /// The whole of a small object.
  func whole(_ key: String, from offset: Int64 = 0) async throws -> (bytes: [UInt8], facts: ObjectFacts) {
    var bytes: [UInt8] = []
    let facts = try await read(key, from: offset) { bytes += $0 }
    return (bytes, facts)
  }

  /// All keys, page by page.
  func keys(prefix: String = "", after: String? = nil) async throws -> [String] {
    var keys: [String] = []
    var next = after
    repeat {
      let page = try await list(prefix: prefix, after: next)
      keys += page.objects.map(\.key)
      next = page.next
    } while next != nil
    return keys
  }
}

/// A file of random bytes.
func makeFile(_ path: String, bytes: Int) throws -> (path: String, sha256: [UInt8], size: Int64) {
  // A line is random, and each that follows is it with its number: fast to make, and no two parts are alike.
  var random = SystemRandomNumberGenerator()
  let line = (0..<512).map { _ in random.next() }
  let words = [UInt64](unsafeUninitializedCapacity: bytes / 8 + 1) { words, count in
    count = words.count
    for index in words.indices { words.initializeElement(at: index, to: line[index % 512] &+ UInt64(index / 512)) }
  }
  let content = words.withUnsafeBytes { Data($0.prefix(bytes)) }
  try content.write(to: URL(filePath: path))
  return (path, Array(SHA256.hash(data: content)), Int64(bytes))
}

@Suite("A folder is an object store")
struct FileConformanceTests {
  @Test(arguments: ConformanceCheck.all)
  func conforms(_ check: ConformanceCheck) async throws {
    try await withFolder { folder in
      let store = try openObjectStore(
        ObjectStoreConfiguration(url: "file://\(folder)", environment: [:], limits: ConformanceCheck.limits),
        logger: quiet)
      try await check.run(Place(store: store, keepsSHA256: false))
      await store.close()
    }
  }
}
