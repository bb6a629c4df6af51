import Crypto
import Foundation
import MetricsTestKit
import NIOHTTP1
import Synchronization
import Testing

@testable import ObjectStores

@Suite("S3 when the server misbehaves")
struct S3HostileTests {
  private let object = NewObject.text("hello", at: "k")

  @Test("500 for a while, then well: tried again with waits that grow, and stored once")
  func trouble() async throws {
    try await HostileS3.run { request, number in
      if number <= 6 { return .text(500, HostileS3.error("InternalError")) }
      switch request.method {
      case .HEAD: return number == 7 ? .status(404) : goodHead("hello")
      default: return .status(200)
      }
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      #expect(hostile.time.waits.count == 6)
      let bounds = (0..<6).map { Duration.milliseconds(200 << $0) }
      #expect(zip(hostile.time.waits, bounds).allSatisfy { $0 <= $1 })
      #expect(hostile.server.requests.filter { $0.method == .PUT }.count == 1)
      let retries = try hostile.metrics.expectCounter(
        "strandline_objectstore_retries_total",
        [("store", "s3"), ("operation", "put"), ("reason", "status_500")])
      #expect(retries.totalValue == 6)
    }
  }

  @Test("500 for ever: given up, to be tried again later")
  func troubleForEver() async throws {
    try await HostileS3.run { _, _ in
      .status(500)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .unavailable)
      #expect(error?.isRetriable == true)
      #expect(hostile.server.requests.count == 10)
      let failures = try hostile.metrics.expectCounter(
        "strandline_objectstore_failures_total", [("store", "s3"), ("operation", "put"), ("code", "unavailable")])
      #expect(failures.totalValue == 1)
    }
  }

  @Test("503 with Retry-After: left alone for as long as it asks", arguments: ["7", "Sat, 21 Nov 2026 04:44:07 GMT"])
  func retryAfter(_ text: String) async throws {
    try await HostileS3.run { request, number in
      switch number {
      case 1: .text(503, HostileS3.error("SlowDown"), ["Retry-After": text])
      case 2: .status(404)
      default: request.method == .HEAD ? goodHead("hello") : .status(200)
      }
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      let wait = try #require(hostile.time.waits.first)
      #expect(wait >= .seconds(7) && wait <= .seconds(8))
    }
  }

  @Test("503 with a Retry-After beyond all patience: to the caller at once")
  func retryAfterMuchLater() async throws {
    try await HostileS3.run { _, _ in
      .status(503, ["Retry-After": "86400"])
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .unavailable && error?.isRetriable == true)
      #expect(hostile.server.requests.count == 1)
    }
  }

  @Test("the connection is cut before the answer to a put that was carried out: found there, not put twice")
  func answerLost() async throws {
    try await HostileS3.run { request, number in
      switch number {
      case 1: .status(404)
      case 2: .hangUp
      default: goodHead("hello")
      }
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .alreadyThere)
      #expect(hostile.server.requests.filter { $0.method == .PUT }.count == 1)
    }
  }

  @Test(
    "the connection is cut half way through an upload: sent again, from a file and from memory",
    arguments: [true, false])
  func uploadCut(_ isFile: Bool) async throws {
    try await withFolder { folder in
      let (path, sha256, size) = try makeFile(folder + "/f", bytes: 3_000_000)
      let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
      let object = NewObject(
        key: "k", content: isFile ? .file(path: path, size: size) : .bytes(bytes), sha256: sha256, contentType: "a/b")
      let stored = Mutex<[UInt8]?>(nil)
      try await HostileS3.run { request, _ in
        if request.method == .PUT { stored.withLock { $0 = request.body } }
        guard stored.withLock({ $0 }) != nil else { return .status(404) }
        return .status(
          200, request.method == .HEAD ? ["Content-Length": "\(size)", "x-amz-meta-sha256": Hex.text(sha256)] : [:])
      } _: { hostile in
        hostile.server.cutUploads(2)
        let outcome = try await hostile.store.put(object)
        #expect(outcome == .stored)
        #expect(stored.withLock { $0 } == bytes)
        #expect(hostile.time.waits.count == 2)
      }
    }
  }

  @Test("accepts and loses: never acknowledged")
  func loses() async throws {
    try await HostileS3.run { request, _ in
      request.method == .HEAD ? .status(404) : .status(200)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .invalidAnswer)
      #expect(error?.isRetriable == true)
    }
  }

  @Test("accepts and keeps something else: never acknowledged", arguments: ["hell", "jello", "hello, and more"])
  func keepsOther(_ kept: String) async throws {
    try await HostileS3.run { request, number in
      request.method == .HEAD ? (number == 1 ? .status(404) : goodHead(kept)) : .status(200)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .invalidAnswer)
    }
  }

  @Test("keeps no hash, or gives an ETag that does not fit: read back, and the bytes decide", arguments: [true, false])
  func readsBack(_ isGood: Bool) async throws {
    try await HostileS3.run { request, number in
      switch request.method {
      case .HEAD: number == 1 ? .status(404) : goodHead("hello")
      case .PUT: .status(200, ["ETag": "\"00000000000000000000000000000000\""])
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
      #expect(hostile.server.requests.contains { $0.method == .GET })
    }
  }

  @Test("knows no conditions (501): the object is asked for first, then put without")
  func unconditional() async throws {
    let isThere = Mutex(false)
    try await HostileS3.run { request, _ in
      switch request.method {
      case .HEAD: return isThere.withLock { $0 } ? goodHead("hello") : .status(404)
      default:
        if request.headers.contains(name: "if-none-match") { return .text(501, HostileS3.error("NotImplemented")) }
        isThere.withLock { $0 = true }
        return .status(200)
      }
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
      #expect(hostile.server.requests.map(\.method) == [.HEAD, .PUT, .HEAD, .PUT, .HEAD])
      let again = try await hostile.store.put(object)
      #expect(again == .alreadyThere)
      #expect(hostile.time.waits.allSatisfy { $0 == .zero })
    }
  }

  @Test("the clocks differ: signed by the store's, once; where that does not help, an error that names both times")
  func clockSkew() async throws {
    try await HostileS3.run { request, number in
      let date = "Sat, 21 Nov 2026 06:44:00 GMT"
      guard request.headers.first(name: "x-amz-date") == "20261121T064400Z" else {
        return .text(403, HostileS3.error("RequestTimeTooSkewed"), ["Date": date])
      }
      return request.method == .HEAD ? (number == 3 ? .status(404) : goodHead("hello")) : .status(200)
    } _: { hostile in
      let outcome = try await hostile.store.put(object)
      #expect(outcome == .stored)
    }
    try await HostileS3.run { _, _ in
      .text(403, HostileS3.error("RequestTimeTooSkewed"), ["Date": "Sat, 21 Nov 2026 06:44:00 GMT"])
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
      #expect(error?.code == .clockSkew)
      #expect(error?.detail.contains("2026-11-21T06:44:00Z") == true)
    }
  }

  @Test(
    "each refusal has its meaning, and none repeats what the server or we hold secret",
    arguments: [
      (403, "AccessDenied", ObjectStoreError.Code.forbidden), (403, "SignatureDoesNotMatch", .unauthorized),
      (403, "InvalidAccessKeyId", .unauthorized), (400, "ExpiredToken", .unauthorized),
      (404, "NoSuchBucket", .noSuchContainer),
      (301, "PermanentRedirect", .invalidConfiguration), (400, "AuthorizationHeaderMalformed", .invalidConfiguration),
      (507, "", .noSpace), (403, "QuotaExceeded", .noSpace), (400, "EntityTooLarge", .notSupported),
      (418, "", .invalidConfiguration),
      (401, "", .unauthorized), (405, "MethodNotAllowed", .notSupported), (307, "", .invalidConfiguration),
      (403, "<script>", .forbidden),
    ])
  func refusals(_ status: Int, _ word: String, _ code: ObjectStoreError.Code) async throws {
    try await HostileS3.run { _, _ in
      .text(status, HostileS3.error(word, "<Region>eu-north-1</Region>"), ["Location": "http://127.0.0.1:1/"])
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == code)
      #expect(error?.isRetriable == (code == .noSpace))
      #expect(error?.description.contains(HostileS3.secret) == false)
      #expect(error?.description.contains("script") == false)
      #expect(hostile.server.requests.count <= 2, "no use in trying again, and no redirect is followed")
      if word == "PermanentRedirect" { #expect(error?.detail.contains("AWS_REGION=eu-north-1") == true) }
    }
  }

  @Test("a body without end ends, in an error")
  func endless() async throws {
    try await HostileS3.run { _, _ in
      .endless
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await hostile.store.list(prefix: "", after: nil)
      }
      #expect(error?.code == .invalidAnswer)
      let read = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.whole("k") }
      #expect(read?.code == .invalidAnswer)
    }
  }

  @Test("silence ends, in an error")
  func silence() async throws {
    var limits = hostileLimits
    limits.idleTimeoutSeconds = 1
    limits.attemptsMax = 2
    try await HostileS3.run(limits: limits) { _, _ in
      .silence
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .unavailable)
    }
  }

  @Test("nobody listens: an error that names the address")
  func nobody() async throws {
    try await HostileS3.run(environment: ["AWS_ENDPOINT_URL": "http://127.0.0.1:9"]) { _, _ in
      .hangUp
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
      #expect(error?.code == .unavailable)
      #expect(error?.detail.contains("http://127.0.0.1:9") == true)
    }
  }

  @Test(
    "a list that is garbled, of other keys or without progress is an error, not an empty list",
    arguments: [
      "", "garbage", "<ListBucketResult/>", "<html><body>login</body></html>", "{}",
      "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>p/a</Key></Contents></ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>p/a</Key><Size>-1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>other/a</Key><Size>1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
    ])
  func garbledList(_ body: String) async throws {
    try await HostileS3.run { _, _ in
      .text(200, body)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await hostile.store.list(prefix: "", after: nil)
      }
      #expect(error?.code == .invalidAnswer)
    }
  }

  @Test("a list in another order than S3's makes the store be listed by folder; a listing under way begins anew")
  func otherOrder() async throws {
    try await HostileS3.run { request, _ in
      func page(_ inner: String, truncated: Bool = false) -> HostileServer.Answer {
        .text(200, "<ListBucketResult><IsTruncated>\(truncated)</IsTruncated>\(inner)</ListBucketResult>")
      }
      func object(_ key: String) -> String { "<Contents><Key>p/\(key)</Key><Size>1</Size></Contents>" }
      func folder(_ key: String) -> String { "<CommonPrefixes><Prefix>p/\(key)</Prefix></CommonPrefixes>" }
      if request.query.contains("delimiter") {
        if request.query.contains("prefix=p%2Fa%2F") { return page(object("a/1")) }
        if request.query.contains("prefix=p%2Fa.b%2F") { return page(object("a.b/1")) }
        return page(folder("a/") + folder("a.b/") + object("z"))
      }
      return request.query.contains("start-after")
        ? page(object("a.b/1") + object("z")) : page(object("a/1"), truncated: true)
    } _: { hostile in
      let store = hostile.store
      let first = try await store.list(prefix: "", after: nil)
      #expect(first.objects.map(\.key) == ["a/1"])
      let error = await #expect(throws: ObjectStoreError.self) {
        _ = try await store.list(prefix: "", after: first.next)
      }
      #expect(error?.isRetriable == true)
      let keys = try await store.keys()
      #expect(keys == ["a.b/1", "a/1", "z"])
    }
  }

  @Test("takes no notice of conditions: the object is asked for before each put, and not replaced")
  func carefree() async throws {
    try await HostileS3.run { request, _ in
      request.method == .HEAD ? goodHead("other") : .status(200)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.put(object) }
      #expect(error?.code == .conflict)
      #expect(!hostile.server.requests.contains { $0.method == .PUT })
    }
  }
}
