import Crypto
import Foundation
import NIOHTTP1
import Synchronization
import Testing

@testable import ObjectStores

@Suite("OpenStack Swift when the server misbehaves")
struct SwiftHostileTests {
  private let object = NewObject.text("hello", at: "k")
  private static let md5 = "5d41402abc4b2a76b9719d911017c592"

  @Test("a token that expired is renewed, once, and the request repeated")
  func renewal() async throws {
    try await HostileSwift.run { request, _ in
      guard request.headers.first(name: "x-auth-token") != "token1" || request.method == .PUT else {
        return .status(401)
      }
      return request.method == .HEAD ? goodHead("hello", swift: true, etag: Self.md5) : .status(201)
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      #expect(hostile.server.requests.filter { $0.path.hasPrefix("/auth") }.count == 2)
      #expect(hostile.time.waits.isEmpty)
    }
  }

  @Test("a token refused when it is new is an error, not a circle")
  func refusedToken() async throws {
    try await HostileSwift.run { _, _ in
      .status(401)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .unauthorized)
      #expect(hostile.server.requests.count == 2)
    }
  }

  @Test("a token is renewed before it expires")
  func early() async throws {
    try await HostileSwift.run { request, _ in
      request.method == .HEAD ? goodHead("hello", swift: true, etag: Self.md5) : .status(201)
    } _: { hostile in
      _ = try await hostile.store.put(object)
      hostile.time.advance(seconds: 86_400 - 60)
      _ = try await hostile.store.facts(of: "k")
      #expect(hostile.server.requests.last?.headers.first(name: "x-auth-token") == "token2")
    }
  }

  @Test("many requests at once sign in once")
  func once() async throws {
    try await HostileSwift.run { _, _ in
      .status(404)
    } _: { hostile in
      let store = hostile.store
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<20 { group.addTask { _ = try? await store.facts(of: "k") } }
      }
      #expect(hostile.server.requests.filter { $0.path.hasPrefix("/auth") }.count == 1)
    }
  }

  @Test(
    "a sign-in that fails is an error that holds no secret",
    arguments: [
      (401, ObjectStoreError.Code.unauthorized), (403, .unauthorized), (404, .invalidConfiguration),
      (302, .invalidConfiguration), (200, .invalidAnswer), (500, .unavailable),
    ])
  func signIn(_ status: Int, _ code: ObjectStoreError.Code) async throws {
    try await HostileSwift.run(signIn: .init(answer: { _, _ in .text(status, "echo \(HostileSwift.key)") })) { _, _ in
      .status(200)
    } _: {
      hostile in
      let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
      #expect(error?.code == code)
      #expect(error?.description.contains(HostileSwift.key) == false)
    }
  }

  @Test("503 for a while, then well: stored once")
  func trouble() async throws {
    try await HostileSwift.run { request, number in
      if number <= 3 { return .status(503, ["Retry-After": "2"]) }
      if number == 4 { return .status(404) }
      return request.method == .HEAD ? goodHead("hello", swift: true, etag: Self.md5) : .status(201)
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      #expect(hostile.time.waits.allSatisfy { $0 >= .seconds(2) })
    }
  }

  @Test("what arrives altered is refused by its ETag (422), and sent again")
  func altered() async throws {
    try await HostileSwift.run { request, number in
      switch number {
      case 1: return .status(422)
      case 2: return .status(404)
      default: return request.method == .HEAD ? goodHead("hello", swift: true, etag: Self.md5) : .status(201)
      }
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      let puts = hostile.server.requests.filter { $0.method == .PUT }
      #expect(
        puts.allSatisfy { $0.headers.first(name: "etag") == Self.md5 && $0.headers.first(name: "if-none-match") == "*" }
      )
    }
  }

  @Test("accepts and loses, or keeps something else: never acknowledged", arguments: [nil, "jello", "hell"])
  func loses(_ kept: String?) async throws {
    try await HostileSwift.run { request, _ in
      guard request.method == .HEAD else { return .status(201) }
      return kept.map { goodHead($0, swift: true, etag: Self.md5) } ?? .status(404)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .invalidAnswer)
    }
  }

  @Test("an ETag of the server's own is looked into: the bytes decide", arguments: [true, false])
  func readsBack(_ isGood: Bool) async throws {
    try await HostileSwift.run { request, _ in
      switch request.method {
      case .HEAD: goodHead("hello", swift: true, etag: "of-its-own")
      case .PUT: .status(201)
      default: .text(200, isGood ? "hello" : "jello")
      }
    } _: { hostile in
      if isGood {
        let outcome = try await hostile.store.put(object)
        #expect(outcome == .stored)
      } else {
        let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
        #expect(error?.code == .invalidAnswer)
      }
    }
  }

  @Test(
    "each refusal has its meaning",
    arguments: [
      (403, ObjectStoreError.Code.forbidden), (404, .noSuchContainer), (413, .noSpace), (507, .noSpace),
      (302, .invalidConfiguration),
      (405, .notSupported), (400, .invalidConfiguration), (409, .unavailable), (500, .unavailable), (498, .unavailable),
    ])
  func refusals(_ status: Int, _ code: ObjectStoreError.Code) async throws {
    try await HostileSwift.run { request, _ in
      .status(request.method == .HEAD ? 404 : status)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == code)
      #expect(error?.description.contains("token1") == false)
    }
  }

  @Test(
    "a list that is garbled, of other keys or out of order is an error, not an empty list",
    arguments: [
      "", "garbage", "{}", "[{}]", "[{\"name\": 1, \"bytes\": 1}]", "[{\"name\": \"p/a\", \"bytes\": -1}]",
      "[{\"name\": \"other\", \"bytes\": 1}]", "[{\"name\": \"p/b\", \"bytes\": 1}, {\"name\": \"p/a\", \"bytes\": 1}]",
      "[{\"name\": \"p/a\", \"bytes\": 1e99}]", "[{\"subdir\": \"p/a/\"}]",
    ])
  func garbledList(_ body: String) async throws {
    try await HostileSwift.run { _, _ in
      .text(200, body)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await hostile.store.list(prefix: "", after: nil)
      }
      #expect(error?.code == .invalidAnswer)
    }
  }

  @Test("garbage in place of HTTP is an error")
  func garbage() async throws {
    try await HostileSwift.run { _, _ in
      .garbage(Array("SSH-2.0-OpenSSH\r\n\r\n".utf8))
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.facts(of: "k") }
      #expect(error?.code == .invalidAnswer || error?.code == .unavailable)
    }
  }

  @Test("a large object that failed half way is taken up where it was left, from another process too")
  func takenUp() async throws {
    let content = [UInt8](repeating: 9, count: 12 * 1024 * 1024)
    let object = NewObject.bytes(content, at: "large")
    let stored = Mutex<[String: (etag: String, size: Int)]>([:])
    let isBroken = Mutex(true)
    try await HostileSwift.run { request, _ in
      let isSegment = request.path.hasPrefix("/v1/AUTH_a/container_segments/")
      switch request.method {
      case .PUT where isSegment:
        if request.path.hasSuffix("00000002"), isBroken.withLock({ $0 }) { return .status(403) }
        stored.withLock { $0[request.path] = (request.headers.first(name: "etag") ?? "", request.body.count) }
        return .status(201)
      case .PUT where request.query == "multipart-manifest=put":
        stored.withLock { $0[request.path] = (request.headers.first(name: "etag") ?? "", content.count) }
        return .status(201)
      case .PUT: return .status(202)
      default:
        guard let found = stored.withLock({ $0[request.path] }) else { return .status(404) }
        return .status(
          200, ["ETag": found.etag, "Content-Length": "\(found.size)", "X-Object-Meta-Sha256": Hex.text(object.sha256)])
      }
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .forbidden)
      isBroken.withLock { $0 = false }
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      let sent = hostile.server.requests.filter { $0.method == .PUT && $0.path.hasSuffix("00000001") }
      #expect(sent.count == 1, "the first segment was there")
      #expect(!hostile.server.requests.contains { $0.method == .DELETE })
    }
  }
}

@Suite("Sign-in with Keystone v3")
struct KeystoneTests {
  private static let secret = "hunter2"

  /// What Keystone answers, as its documentation has it.
  private static func token(_ endpoints: String, expires: String = "2026-11-21T05:44:00.000000Z")
    -> HostileServer.Answer
  {
    .status(
      201, ["X-Subject-Token": "gAAAA-token"],
      Array(
        """
        {"token": {"methods": ["password"], "expires_at": "\(expires)", "issued_at": "2026-11-21T04:44:00.000000Z",
         "user": {"id": "u", "name": "n", "domain": {"id": "default", "name": "Default"}},
         "catalog": [{"type": "compute", "name": "nova", "endpoints": []},
                     {"type": "object-store", "name": "swift", "id": "s", "endpoints": [\(endpoints)]}]}}
        """.utf8))
  }

  private static func endpoint(_ interface: String, _ region: String, _ url: String) -> String {
    "{\"id\": \"e\", \"interface\": \"\(interface)\", \"region\": \"\(region)\", \"region_id\": \"\(region)\", \"url\": \"\(url)\"}"
  }

  private static let password = [
    "OS_AUTH_URL": "SERVER/auth/v3/", "OS_USERNAME": "archiver", "OS_PASSWORD": secret, "OS_PROJECT_NAME": "audit",
    "OS_USER_DOMAIN_NAME": "Users", "OS_PROJECT_DOMAIN_ID": "d1", "OS_REGION_NAME": "two",
  ]

  private func signIn(
    _ environment: [String: String], _ body: @Sendable (Hostile<SwiftObjectStore>) async throws -> Void
  ) async throws {
    let answer: @Sendable (HostileServer.Request, Int) -> HostileServer.Answer = { request, _ in
      guard request.method == .POST, request.path == "/auth/v3/auth/tokens" else { return .status(404) }
      let host = request.headers.first(name: "host") ?? ""
      return Self.token(
        [
          Self.endpoint("internal", "two", "http://internal.example/v1/AUTH_x"),
          Self.endpoint("public", "one", "http://one.example/v1/AUTH_x"),
          Self.endpoint("public", "two", "http://\(host)/swift/v1/AUTH_p/"),
        ].joined(separator: ","))
    }
    try await HostileSwift.run(environment: environment, signIn: .init(answer: answer)) { request, _ in
      .text(request.path == "/swift/v1/AUTH_p/container" ? 200 : 404, "[]")
    } _: { hostile in
      try await body(hostile)
    }
  }

  @Test("by password: user, project and their domains are named, and the catalog tells the store's address")
  func byPassword() async throws {
    try await signIn(Self.password) { hostile in
      _ = try await hostile.store.list(prefix: "", after: nil)
      let asked = try #require(hostile.server.requests.first)
      let wanted = """
        {"auth":{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"Users"},"name":"archiver",\
        "password":"hunter2"}}},"scope":{"project":{"domain":{"id":"d1"},"name":"audit"}}}}
        """
      #expect(String(decoding: asked.body, as: UTF8.self) == wanted)
      #expect(hostile.server.requests.last?.headers.first(name: "x-auth-token") == "gAAAA-token")
    }
  }

  @Test("by application credential, which has its own scope")
  func byApplicationCredential() async throws {
    let environment = [
      "OS_AUTH_URL": "SERVER/auth", "OS_APPLICATION_CREDENTIAL_ID": "id1",
      "OS_APPLICATION_CREDENTIAL_SECRET": Self.secret,
      "OS_REGION_NAME": "two", "OS_PROJECT_NAME": "ignored",
    ]
    try await signIn(environment) { hostile in
      _ = try await hostile.store.list(prefix: "", after: nil)
      let asked = try #require(hostile.server.requests.first)
      let wanted = """
        {"auth":{"identity":{"application_credential":{"id":"id1","secret":"hunter2"},"methods":["application_credential"]}}}
        """
      #expect(String(decoding: asked.body, as: UTF8.self) == wanted)
    }
  }

  @Test("a token is renewed before the moment that Keystone names")
  func renewal() async throws {
    try await signIn(Self.password) { hostile in
      _ = try await hostile.store.list(prefix: "", after: nil)
      hostile.time.advance(seconds: 3_500)
      _ = try await hostile.store.list(prefix: "", after: nil)
      #expect(hostile.server.requests.filter { $0.method == .POST }.count == 2)
    }
  }

  @Test("another region or interface than the catalog has is an error that says what to set")
  func notInCatalog() async throws {
    for (name, value) in [("OS_REGION_NAME", "three"), ("OS_INTERFACE", "admin")] {
      try await signIn(Self.password.merging([name: value]) { $1 }) { hostile in
        let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.detail.contains(name) == true)
      }
    }
  }

  @Test(
    "variables that do not suffice are named",
    arguments: [
      [:], ["OS_AUTH_URL": "http://k"], ["OS_AUTH_URL": "k:5000", "OS_USERNAME": "u", "OS_PASSWORD": "p"],
      ["OS_AUTH_URL": "http://k", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "x"],
      ["OS_AUTH_URL": "http://k", "OS_USERNAME": "u", "OS_PASSWORD": "p"],
      ["OS_AUTH_URL": "http://k", "OS_APPLICATION_CREDENTIAL_SECRET": "p"], ["ST_AUTH": "http://k"],
      ["ST_AUTH": "http://k", "ST_USER": "u", "ST_KEY": "a\nb"],
      ["ST_AUTH": "http://u:p@k", "ST_USER": "u", "ST_KEY": "k"],
      ["ST_AUTH": "http://k", "ST_USER": "u", "ST_KEY": "k", "OS_AUTH_URL": "http://k"],
    ])
  func insufficient(_ environment: [String: String]) {
    let error = #expect(throws: ObjectStoreError.self) {
      try openObjectStore(ObjectStoreConfiguration(url: "swift://c", environment: environment), logger: quiet)
    }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test("what a sign-in holds does not show")
  func hidden() throws {
    let signIns = [
      try SwiftSignIn(environment: ["ST_AUTH": "http://k", "ST_USER": "u", "ST_KEY": Self.secret]),
      try SwiftSignIn(environment: Self.password.merging(["OS_AUTH_URL": "http://k"]) { $1 }),
    ]
    for signIn in signIns {
      var dumped = ""
      dump(signIn, to: &dumped)
      #expect(!"\(signIn)\(String(reflecting: signIn))\(dumped)".contains(Self.secret))
    }
    let session = SwiftSession(storageURL: "s", token: Self.secret)
    #expect(!"\(session)\(String(reflecting: session))".contains(Self.secret))
    let configuration = ObjectStoreConfiguration(url: "s3://b", environment: ["AWS_SECRET_ACCESS_KEY": Self.secret])
    #expect(!"\(configuration)".contains(Self.secret))
  }
}
