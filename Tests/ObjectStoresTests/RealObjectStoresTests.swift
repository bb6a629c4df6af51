import AsyncHTTPClient
import Crypto
import Foundation
import NIOHTTP1
import Testing

@testable import ObjectStores

/// The servers that `.ci/with-objectstores` starts.
enum RealStore: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case s3OfSeaweedFS = "S3_SEAWEEDFS"
  case s3OfSwift = "S3_SWIFT"
  case swift = "SWIFT"

  var testDescription: String { rawValue }

  /// Fails the test when the servers are not there: it is never skipped quietly.
  func variable(_ name: String) throws -> String {
    try #require(
      ProcessInfo.processInfo.environment["OBJECTSTORE_\(rawValue)_\(name)"],
      "run it beside the servers: .ci/with-objectstores swift test --filter RealObjectStores")
  }

  /// `If-None-Match: *` is looked at and done in one step.
  var isAtomic: Bool { self == .s3OfSeaweedFS }

  /// - Parameters: Others than those of the owner.
  func environment(id: String? = nil, secret: String? = nil) throws -> [String: String] {
    switch self {
    case .swift:
      try [
        "ST_AUTH": variable("AUTH"), "ST_USER": id ?? variable("USER"), "ST_KEY": secret ?? variable("KEY"),
      ]
    case .s3OfSwift, .s3OfSeaweedFS:
      try [
        "AWS_ENDPOINT_URL_S3": variable("ENDPOINT"), "AWS_ACCESS_KEY_ID": id ?? variable("ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": secret ?? variable("SECRET_ACCESS_KEY"), "AWS_REGION": "us-east-1",
      ]
    }
  }

  func open(
    _ url: String, _ environment: [String: String]? = nil, limits: ObjectStoreLimits = ConformanceCheck.limits
  ) throws -> any ObjectStore {
    try openObjectStore(
      ObjectStoreConfiguration(url: url, environment: environment ?? self.environment(), limits: limits), logger: quiet)
  }

  /// A bucket or container of its own for the test.
  func makeContainer(headers: HTTPHeaders = [:]) async throws -> String {
    let name = "test-" + UUID().uuidString.lowercased()
    let store = try open(url(name))
    switch store {
    case let s3 as S3ObjectStore:
      _ = try await s3.client.send(.init(operation: .prepare, method: .PUT, headers: headers))
    case let swift as SwiftObjectStore:
      _ = try await swift.client.send(.init(operation: .prepare, method: .PUT, container: name, headers: headers))
    default: Issue.record("a store of another kind")
    }
    await store.close()
    return name
  }

  func url(_ container: String, _ prefix: String = "") -> String {
    "\(self == .swift ? "swift" : "s3")://\(container)/\(PercentEncoding.encoded(prefix, keepsSlash: true))"
  }
}

@Suite("Real servers are object stores")
struct RealObjectStoresTests {
  @Test(arguments: RealStore.allCases, ConformanceCheck.all)
  func conforms(_ server: RealStore, _ check: ConformanceCheck) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container, "some/prefix é+"))
    try await check.run(Place(store: store, isAtomic: server.isAtomic))
    await store.close()
  }

  @Test("memory does not follow the size of an object, there and back", arguments: RealStore.allCases)
  func memory(_ server: RealStore) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container), limits: ObjectStoreLimits())
    try await withFolder { folder in
      let (path, sha256, size) = try makeFile(folder + "/large", bytes: 128 * 1024 * 1024)
      _ = try await store.put(.text("warm up", at: "small"))
      try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)  // the peak begins anew
      let before = try residentPeakBytes()
      let outcome = try await store.put(
        NewObject(key: "large", content: .file(path: path, size: size), sha256: sha256, contentType: "a/b"))
      #expect(outcome == .stored)
      var hash = SHA256()
      _ = try await store.read("large", from: 0) { hash.update(bufferPointer: $0) }
      #expect(Array(hash.finalize()) == sha256)
      let grown = try residentPeakBytes() - before
      #expect(grown < 48 * 1024 * 1024, "grew by \(grown / 1024) KiB")
    }
    await store.close()
  }

  private func residentPeakBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.split { $0 == " " || $0 == "\t" }[1].filter(\.isNumber))) * 1024
  }
}

@Suite("What real servers refuse", .serialized)
struct RefusedByRealObjectStoresTests {
  @Test("a container that is not there", arguments: RealStore.allCases)
  func noSuchContainer(_ server: RealStore) async throws {
    let store = try server.open(server.url("no-such-container-\(UInt32.random(in: 0 ... .max))"))
    let errors = [
      await #expect(throws: ObjectStoreError.self) { try await store.prepare() },
      await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("x", at: "k")) },
      await #expect(throws: ObjectStoreError.self) { _ = try await store.list(prefix: "", after: nil) },
    ]
    #expect(errors.map { $0?.code } == [.noSuchContainer, .noSuchContainer, .noSuchContainer])
    await store.close()
  }

  @Test("a wrong key or password, without repeating it", arguments: RealStore.allCases)
  func wrongSecret(_ server: RealStore) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container), server.environment(secret: "hunter2"))
    let errors = [
      await #expect(throws: ObjectStoreError.self) { try await store.prepare() },
      await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("x", at: "k")) },
    ]
    for error in errors {
      #expect(error?.code == .unauthorized, "\(String(describing: error))")
      #expect(error?.description.contains("hunter2") == false)
      #expect(error?.isRetriable == false)
    }
    await store.close()
  }

  @Test("a user that is not known", arguments: RealStore.allCases)
  func wrongUser(_ server: RealStore) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container), server.environment(id: "test:nobody"))
    let error = await #expect(throws: ObjectStoreError.self) { try await store.prepare() }
    #expect(error?.code == .unauthorized)
    await store.close()
  }

  @Test(
    "a clock that is off by an hour: found out, and the store's own is used",
    arguments: [RealStore.s3OfSwift, .s3OfSeaweedFS])
  func clockSkew(_ server: RealStore) async throws {
    let url = server.url(try await server.makeContainer())
    for seconds in [Int64(-3_600), 3_600] {
      let store = try S3ObjectStore(
        ObjectStoreConfiguration(url: url, environment: server.environment(), limits: ConformanceCheck.limits),
        StoreURL(url), clock: StoreClock(now: { WallTime.now().adding(seconds: seconds) }), logger: quiet)
      try await store.prepare()
      let outcome = try await store.put(.text("x", at: "k\(seconds)"))
      #expect(outcome == .stored)
      await store.close()
    }
  }

  @Test(
    "writing to what we may only read, found out before the first object", arguments: [RealStore.swift, .s3OfSeaweedFS])
  func readOnly(_ server: RealStore) async throws {
    let container = try await server.makeContainer(
      headers: server == .swift ? ["X-Container-Read": "test:reader,.rlistings"] : [:])
    let owner = try server.open(server.url(container))
    _ = try await owner.put(.text("seen", at: "k"))
    let environment =
      try server == .swift
      ? server.environment(id: server.variable("READER_USER"), secret: server.variable("READER_KEY"))
      : server.environment(
        id: server.variable("READER_ACCESS_KEY_ID"), secret: server.variable("READER_SECRET_ACCESS_KEY"))
    let reader = try server.open(server.url(container), environment)
    let errors = [
      await #expect(throws: ObjectStoreError.self) { try await reader.prepare() },
      await #expect(throws: ObjectStoreError.self) { _ = try await reader.put(.text("x", at: "other")) },
    ]
    #expect(errors.map { $0?.code } == [.forbidden, .forbidden])
    let (bytes, _) = try await reader.whole("k")
    #expect(bytes == Array("seen".utf8))
    await owner.close()
    await reader.close()
  }

  @Test("an object that another program put: without a hash, its bytes decide", arguments: RealStore.allCases)
  func foreignObject(_ server: RealStore) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container))
    try await putPlainly("hello", "k", store, container)
    let facts = try #require(try await store.facts(of: "k"))
    #expect(facts.sha256 == nil)
    let outcome = try await store.put(.text("hello", at: "k"))
    #expect(outcome == .alreadyThere)
    let error = await #expect(throws: ObjectStoreError.self) { _ = try await store.put(.text("jello", at: "k")) }
    #expect(error?.code == .conflict)
    await store.close()
  }

  @Test("a token that was revoked is renewed in the middle")
  func revokedToken() async throws {
    let server = RealStore.swift
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container))
    _ = try await store.put(.text("x", at: "k"))
    let swift = try #require(store as? SwiftObjectStore)
    await swift.client.sessions.replaceToken("gAAAAAB-not-a-token")
    let outcome = try await store.put(.text("y", at: "l"))
    #expect(outcome == .stored)
    await store.close()
  }

  @Test("retention where it would not be honoured, and it is honoured where it would")
  func objectLock() async throws {
    let options = "?object-lock=governance&retain-days=1"
    let swift = try await RealStore.s3OfSwift.makeContainer()
    let refusing = try RealStore.s3OfSwift.open("s3://\(swift)/x\(options)")
    let error = await #expect(throws: ObjectStoreError.self) { try await refusing.prepare() }
    #expect(error?.code == .notSupported)
    await refusing.close()

    let server = RealStore.s3OfSeaweedFS
    let plain = try server.open("s3://\(try await server.makeContainer())/x\(options)")
    let plainError = await #expect(throws: ObjectStoreError.self) { try await plain.prepare() }
    #expect(plainError?.code == .notSupported)
    await plain.close()

    let locked = try await server.makeContainer(headers: ["x-amz-bucket-object-lock-enabled": "true"])
    let store = try server.open("s3://\(locked)/x\(options)")
    try await store.prepare()
    let outcome = try await store.put(.text("kept", at: "k"))
    #expect(outcome == .stored)
    let s3 = try #require(store as? S3ObjectStore)
    let head = try #require(try await s3.head("k"))
    #expect(head.header("x-amz-object-lock-mode") == "GOVERNANCE")
    try await withFolder { folder in
      let (path, sha256, size) = try makeFile(folder + "/large", bytes: 7 * 1024 * 1024)
      let large = try await store.put(
        NewObject(key: "large", content: .file(path: path, size: size), sha256: sha256, contentType: "a/b"))
      #expect(large == .stored)
    }
    await store.close()
  }

  @Test("an upload in parts that fails leaves no parts", arguments: [RealStore.s3OfSwift, .s3OfSeaweedFS])
  func abandoned(_ server: RealStore) async throws {
    let container = try await server.makeContainer()
    let store = try server.open(server.url(container, "p"))
    let s3 = try #require(store as? S3ObjectStore)
    try await withFolder { folder in
      let (path, _, size) = try makeFile(folder + "/large", bytes: 12 * 1024 * 1024)
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await store.put(
          NewObject(
            key: "large", content: .file(path: path, size: size), sha256: [UInt8](repeating: 0, count: 32),
            contentType: "a/b"))
      }
      #expect(error?.code == .io)
    }
    let answer = try await s3.client.send(
      .init(operation: .list, method: .GET, query: [(name: "uploads", value: "")]))
    let root = try #require(XMLElement.document(answer.body))
    #expect(root.all("Upload").isEmpty)
    await store.close()
  }

  private func putPlainly(
    _ text: String, _ key: String, _ store: any ObjectStore, _ container: String
  ) async throws {
    let bytes = Array(text.utf8)
    switch store {
    case let s3 as S3ObjectStore:
      var request = S3Client.Request(operation: .put, method: .PUT, key: key)
      request.payloadSHA256 = Hex.text(NewObject.bytes(bytes, at: key).sha256)
      request.body = .bytes(bytes)
      _ = try await s3.client.send(request)
    case let swift as SwiftObjectStore:
      var request = SwiftClient.Request(operation: .put, method: .PUT, container: container, name: key)
      request.body = .bytes(bytes)
      _ = try await swift.client.send(request)
    default: Issue.record("a store of another kind")
    }
  }
}
