import NIOHTTP1
import Synchronization
import Testing

@testable import ObjectStores

@Suite("S3 objects in parts when the server misbehaves")
struct S3PartsTests {
  @Test(
    "ended with 200 and an error inside: not taken for success",
    arguments: ["InternalError", "Unheard", "PreconditionFailed"])
  func errorInside(_ code: String) async throws {
    try await parts { _, _ in
      .text(200, "\n \n" + HostileS3.error(code))
    } _: { hostile, object in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == (code == "PreconditionFailed" ? .conflict : .unavailable))
      let methods = hostile.server.requests.map(\.method)
      #expect(methods.last == .DELETE, "called off")
    }
  }

  @Test("the answer to the end is lost: the object is there, and that is what counts")
  func endLost() async throws {
    try await parts { _, ends in
      ends == 1 ? .hangUp : .text(404, HostileS3.error("NoSuchUpload"))
    } _: { hostile, object in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .alreadyThere)
    }
  }

  @Test("a part is refused for ever: called off")
  func partRefused() async throws {
    try await parts(part: { .text(403, HostileS3.error("AccessDenied")) }) { _, _ in
      .status(200)
    } _: { hostile, object in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .forbidden)
      let last = try #require(hostile.server.requests.last)
      #expect(last.method == .DELETE && last.query.contains("uploadId=id%2F1"))
    }
  }

  @Test("a put that is cancelled calls its parts off")
  func cancelled() async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    try await parts(part: {
      continuation.yield()
      return .silence
    }) { _, _ in
      .status(200)
    } _: { hostile, object in
      let store = hostile.store
      let task = Task { try await store.put(object) }
      for await _ in stream { break }
      task.cancel()
      await #expect(throws: ObjectStoreError.self) { _ = try await task.value }
      #expect(hostile.server.requests.last?.method == .DELETE)
    }
  }

  @Test("parts are at least 5 MiB and at most 1,000")
  func partSizes() {
    let mebibyte: Int64 = 1024 * 1024
    #expect(S3ObjectStore.partBytes(size: 100 * mebibyte, wanted: 1) == 5 * mebibyte)
    #expect(S3ObjectStore.partBytes(size: 100 * mebibyte, wanted: 16 * mebibyte) == 16 * mebibyte)
    let size = 5 * mebibyte * mebibyte
    let step = S3ObjectStore.partBytes(size: size, wanted: 16 * mebibyte)
    #expect((size + step - 1) / step <= 1_000)
  }

  /// An object of two parts; the object is there once its end was asked for.
  private func parts(
    part: @escaping @Sendable () -> HostileServer.Answer = { .status(200, ["ETag": "\"e\""]) },
    end: @escaping @Sendable (HostileServer.Request, _ number: Int) -> HostileServer.Answer,
    _ body: (Hostile<S3ObjectStore>, NewObject) async throws -> Void
  ) async throws {
    let content = [UInt8](repeating: 9, count: 7 * 1024 * 1024)
    let object = NewObject.bytes(content, at: "large")
    let ends = Mutex(0)
    try await HostileS3.run { request, _ in
      switch request.method {
      case .HEAD:
        guard ends.withLock({ $0 }) > 0 else { return .status(404) }
        return .status(200, ["Content-Length": "\(object.size)", "x-amz-meta-sha256": Hex.text(object.sha256)])
      case .PUT: return part()
      case .DELETE: return .status(204)
      default:
        if request.query == "uploads=" {
          return .text(200, "<InitiateMultipartUploadResult><UploadId>id/1</UploadId></InitiateMultipartUploadResult>")
        }
        return end(
          request,
          ends.withLock {
            $0 += 1
            return $0
          })
      }
    } _: { hostile in
      try await body(hostile, object)
    }
  }
}
