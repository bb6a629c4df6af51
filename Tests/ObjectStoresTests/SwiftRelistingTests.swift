import NIOHTTP1
import Synchronization
import Testing

@testable import ObjectStores

@Suite("OpenStack Swift when it keeps an object that its container was never told of")
struct SwiftRelistingTests {
  private static let md5 = "5d41402abc4b2a76b9719d911017c592"
  private let object = NewObject.text("hello", at: "k")

  /// A server that keeps `k`, lists what `listed` says, and answers the change of its metadata with `status`.
  private func run(
    listed: String, post status: Int = 202, putAnswers: [HostileServer.Answer] = [.status(412)],
    _ body: (Hostile<SwiftObjectStore>) async throws -> Void
  ) async throws {
    let puts = Mutex(0)
    try await HostileSwift.run { request, _ in
      switch request.method {
      case .PUT:
        let number = puts.withLock { count in
          defer { count += 1 }
          return count
        }
        return putAnswers[min(number, putAnswers.count - 1)]
      case .POST: return .status(status)
      case .GET: return .text(200, listed)
      default:
        guard case .status(let status, var headers, let body) = goodHead("hello", swift: true, etag: Self.md5) else {
          return .status(404)
        }
        headers.add(contentsOf: ["X-Object-Meta-Other": "o", "X-Delete-At": "1900000000", "X-Timestamp": "1795236240"])
        return .status(status, headers, body)
      }
    } _: { hostile in
      try await body(hostile)
    }
  }

  @Test(
    "what is there and not listed is put in the list by setting its metadata to what it is",
    arguments: ["[]", "[{\"name\": \"p/k.sig\", \"bytes\": 64}]"])
  func relisted(_ listed: String) async throws {
    try await run(listed: listed) { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .alreadyThere)
      let list = try #require(hostile.server.requests.first { $0.method == .GET && $0.path.hasSuffix("/container") })
      #expect(list.query.contains("prefix=p%2Fk") && list.query.contains("limit=1&"))
      let told = hostile.server.requests.filter { $0.method == .POST }
      #expect(told.map(\.path) == ["/v1/AUTH_a/container/p/k"])
      let headers = try #require(told.first).headers
      #expect(headers.first(name: "x-object-meta-sha256") == Hex.text(object.sha256))
      #expect(headers.first(name: "x-object-meta-other") == "o")
      #expect(headers.first(name: "x-delete-at") == "1900000000")
      #expect(!headers.contains(name: "x-timestamp") && !headers.contains(name: "etag"))
      #expect(hostile.server.requests.filter { $0.method == .PUT }.count == 1, "the content is not sent again")
    }
  }

  @Test("a put whose answer was lost looks at the list too")
  func lostAnswer() async throws {
    try await run(listed: "[]", putAnswers: [.hangUp]) { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .alreadyThere)
      #expect(hostile.server.requests.contains { $0.method == .POST })
    }
  }

  @Test("what is listed is left alone, and so is what was stored at once")
  func listed() async throws {
    try await run(listed: "[{\"name\": \"p/k\", \"bytes\": 5}]") { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .alreadyThere)
      #expect(!hostile.server.requests.contains { $0.method == .POST })
    }
    try await run(listed: "[]", putAnswers: [.status(201)]) { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      #expect(hostile.server.requests.filter { $0.path.hasPrefix("/v1/") }.map(\.method) == [.PUT, .HEAD])
    }
  }

  @Test("other content under the name is a conflict, and is not touched")
  func conflict() async throws {
    try await run(listed: "[]") { hostile in
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await hostile.store.put(.text("jello", at: "k"))
      }
      #expect(error?.code == .conflict)
      #expect(!hostile.server.requests.contains { $0.method == .POST })
    }
  }

  @Test("a server that does not take the change has the object all the same; one that is away is asked again")
  func refused() async throws {
    for status in [403, 404, 405, 501] {
      try await run(listed: "[]", post: status) { hostile in
        let outcome = try await hostile.store.put(object)
        #expect(outcome == .alreadyThere)
        #expect(hostile.server.requests.filter { $0.method == .POST }.count == 1)
      }
    }
    try await run(listed: "[]", post: 503) { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.isRetriable == true)
      #expect(hostile.server.requests.filter { $0.method == .POST }.count == hostileLimits.attemptsMax)
    }
  }
}
