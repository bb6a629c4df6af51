import Crypto
import Foundation
import Logging
import MetricsTestKit
import Synchronization
import Testing

@testable import ObjectStores

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Objects in a folder")
struct FileStoreTests {
  @Test("an object has its bytes under its key, for its owner and group, and nothing else lies there")
  func stored() async throws {
    try await withFolder { folder in
      let store = try fileStore(folder)
      #expect(try await store.put(.text("hello", at: "a/b/c.txt")) == .stored)
      #expect(try String(contentsOfFile: folder + "/a/b/c.txt", encoding: .utf8) == "hello")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/a/b") == ["c.txt"])
      var status = stat()
      #expect(stat(folder + "/a/b/c.txt", &status) == 0)
      #expect(status.st_mode & 0o7777 == 0o440)
    }
  }

  @Test("a root that is missing is not made: its disk may not be mounted")
  func missingRoot() async throws {
    try await withFolder { folder in
      let store = try fileStore(folder + "/missing")
      let error = await #expect(throws: ObjectStoreError.self) { try await store.prepare() }
      #expect(error?.code == .noSuchContainer)
      #expect(!FileManager.default.fileExists(atPath: folder + "/missing"))
    }
  }

  @Test("preparing leaves nothing behind")
  func prepared() async throws {
    try await withFolder { folder in
      let store = try fileStore(folder)
      try await store.prepare()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test(
    "a full disk and a read-only one are told apart, name what to do, and leave no object",
    arguments: [
      (LocalFiles.Operation.write, ENOSPC, ObjectStoreError.Code.noSpace, true), (.sync, ENOSPC, .noSpace, true),
      (.write, EDQUOT, .noSpace, true), (.create, EROFS, .forbidden, false), (.create, EACCES, .forbidden, false),
      (.makeDirectory, EROFS, .forbidden, false), (.write, EIO, .io, true), (.sync, EIO, .io, true),
      (.link, EIO, .io, true),
    ])
  func faults(_ operation: LocalFiles.Operation, _ number: Int32, _ code: ObjectStoreError.Code, _ again: Bool)
    async throws
  {
    try await withFolder { folder in
      let isBroken = Mutex(true)
      let files = LocalFiles { asked, _ in asked == operation && isBroken.withLock { $0 } ? number : nil }
      let store = try fileStore(folder, files: files)
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("x", at: "d/k")) }
      #expect(error?.code == code)
      #expect(error?.isRetriable == again)
      isBroken.withLock { $0 = false }
      #expect(try await store.facts(of: "d/k") == nil)
      #expect(try await store.put(.text("x", at: "d/k")) == .stored, "afterwards it goes on")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/d") == ["k"])
    }
  }

  @Test("a read-only file system is a clear error")
  func readOnly() async throws {
    // The kernel's own folder of processes takes no files, from nobody.
    let store = try fileStore("/proc")
    let error = await #expect(throws: ObjectStoreError.self) { try await store.prepare() }
    #expect(error?.code == .noSuchContainer || error?.code == .forbidden)
  }

  @Test("an object appears whole or not at all: a reader never sees the beginning of one")
  func atomic() async throws {
    try await withFolder { folder in
      let seen = Mutex<[String]>([])
      let files = LocalFiles { operation, path in
        if operation == .sync, path.contains("/d/") {
          let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/d")) ?? []
          seen.withLock { $0 += names.filter { !$0.hasPrefix(ObjectKey.reservedBeginning) } }
        }
        return nil
      }
      let store = try fileStore(folder, files: files)
      #expect(try await store.put(.text("x", at: "d/k")) == .stored)
      #expect(seen.withLock { $0 }.isEmpty, "named before it was synced")
    }
  }

  @Test("what a writer that died left behind goes with the next object; what one that lives holds stays")
  func leftovers() async throws {
    try await withFolder { folder in
      let (dead, living) = (folder + "/.strandline-dead", folder + "/.strandline-living")
      for path in [dead, living] { #expect(FileManager.default.createFile(atPath: path, contents: Data("x".utf8))) }
      let files = LocalFiles()
      let held = try #require(try files.openForReading(living))
      #expect(try files.lock(held))
      let store = try fileStore(folder)
      #expect(try await store.list(prefix: "", after: nil).objects.isEmpty, "they are no objects")
      #expect(try await store.put(.text("x", at: "k")) == .stored)
      #expect(!FileManager.default.fileExists(atPath: dead))
      #expect(FileManager.default.fileExists(atPath: living))
      withExtendedLifetime(held) {}
    }
  }

  @Test("links, pipes and folders in an object's place are refused, not followed and not waited for")
  func strangers() async throws {
    try await withFolder { folder in
      #expect(symlink("/etc/hostname", folder + "/link") == 0)
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(mkdir(folder + "/folder", 0o700) == 0)
      let store = try fileStore(folder)
      for key in ["link", "pipe", "folder"] {
        let error = await #expect(throws: ObjectStoreError.self) { _ = try await store.read(key, from: 0) { _ in } }
        #expect(error?.code == .io, "\(key)")
        await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("x", at: key)) }
      }
      #expect(try await store.list(prefix: "", after: nil).objects.map(\.key) == ["link", "pipe"], "seen all the same")
    }
  }

  @Test("a file whose name is no text is seen in lists")
  func foreignName() async throws {
    try await withFolder { folder in
      let path = Array((folder + "/a").utf8).map { CChar(bitPattern: $0) } + [-1, 0]
      let number = open(path, O_CREAT | O_WRONLY, 0o600)
      #expect(number >= 0)
      close(number)
      let listed = try await fileStore(folder).keys()
      #expect(listed == ["a\u{FFFD}"])
    }
  }

  @Test("of many writers of one key, one stores, the others find it there or a conflict")
  func race() async throws {
    try await withFolder { folder in
      let outcomes = await withTaskGroup(of: Result<PutOutcome, ObjectStoreError>.self) { group in
        for writer in 0..<32 {
          group.addTask {
            do throws(ObjectStoreError) {
              let store = FileObjectStore(root: folder, files: LocalFiles(), logger: quiet)
              return .success(try await store.put(.text("\(writer % 2)", at: "d/k")))
            } catch {
              return .failure(error)
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.filter { $0 == .success(.stored) }.count == 1)
      #expect(outcomes.filter { $0 == .success(.alreadyThere) }.count == 15)
      #expect(
        outcomes.filter { if case .failure(let error) = $0 { error.code == .conflict } else { false } }.count == 16)
    }
  }

  @Test("what is done and what fails is counted")
  func counted() async throws {
    try await withFolder { folder in
      let metrics = TestMetrics()
      let store = try openObjectStore(
        ObjectStoreConfiguration(url: "file://" + folder, environment: [:], metricsFactory: metrics), logger: quiet)
      _ = try await store.put(.text("hello", at: "k"))
      await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("jello", at: "k")) }
      _ = try await store.whole("k")
      let wanted: [(String, [(String, String)], Int64)] = [
        ("requests_total", [("operation", "put"), ("outcome", "ok")], 1),
        ("failures_total", [("operation", "put"), ("code", "conflict")], 1),
        ("requests_total", [("operation", "read"), ("outcome", "ok")], 1), ("sent_bytes_total", [], 5),
        ("received_bytes_total", [], 5),
      ]
      for (name, dimensions, value) in wanted {
        let counter = try metrics.expectCounter("strandline_objectstore_\(name)", [("store", "file")] + dimensions)
        #expect(counter.totalValue == value, "\(name)")
      }
    }
  }

  private func fileStore(_ folder: String, files: LocalFiles = LocalFiles()) throws -> FileObjectStore {
    try FileObjectStore(StoreURL("file://" + folder), files: files, logger: quiet)
  }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A fresh folder, removed afterwards.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "objects-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try await body(folder)
}

extension NewObject {
  static func text(_ text: String, at key: String) -> NewObject { bytes(Array(text.utf8), at: key) }

  static func bytes(_ bytes: [UInt8], at key: String) -> NewObject {
    NewObject(
      key: key, content: .bytes(bytes), sha256: Array(SHA256.hash(data: bytes)), contentType: "application/x-ndjson")
  }
}
