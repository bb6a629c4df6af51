import NIOHTTP1
import Testing

@testable import ObjectStores

@Suite("S3 downloads when the server misbehaves")
struct S3DownloadTests {
  @Test("a download that is cut goes on where it was cut, with what identifies the content")
  func resumes() async throws {
    let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try await HostileS3.run { request, number in
      let start = request.headers.first(name: "range").flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
      let headers: HTTPHeaders = [
        "ETag": "\"e\"", "Content-Range": "bytes \(start)-299999/300000",
        "x-amz-meta-sha256": String(repeating: "0", count: 64),
      ]
      let rest = Array(content[start...])
      if number > 3 { return .status(206, headers, rest) }
      return .cut(announced: rest.count, headers, Array(rest.prefix(50_000)), status: start == 0 ? 200 : 206)
    } _: { hostile in
      let (bytes, facts) = try await hostile.store.whole("k")
      #expect(bytes == content)
      #expect(facts.size == 300_000)
      #expect(hostile.server.requests.dropFirst().allSatisfy { $0.headers.first(name: "if-match") == "\"e\"" })
    }
  }

  @Test("a server that ignores ranges is read past what is known")
  func ignoresRanges() async throws {
    try await HostileS3.run { request, _ in
      request.method == .HEAD ? goodHead("hello") : .text(200, "hello")
    } _: { hostile in
      let (bytes, _) = try await hostile.store.whole("k", from: 3)
      #expect(bytes == Array("lo".utf8))
    }
  }

  @Test("an object that changes while it is read is an error")
  func changes() async throws {
    try await HostileS3.run { _, number in
      number == 1 ? .cut(announced: 10, ["ETag": "a"], Array("hello".utf8)) : .status(412)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.whole("k") }
      #expect(error?.isRetriable == false)
    }
    try await HostileS3.run { _, number in
      number == 1 ? .cut(announced: 10, [:], Array("hello".utf8)) : .text(200, "another object")
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.whole("k") }
      #expect(error?.code == .invalidAnswer)
    }
  }

  @Test(
    "answers to a download that do not say what was asked for are errors",
    arguments: ["bytes 0-4/5", "bytes 3-9/5", "garbage", ""])
  func wrongRange(_ range: String) async throws {
    try await HostileS3.run { request, _ in
      request.method == .HEAD ? goodHead("hello") : .status(206, ["Content-Range": range], Array("lo".utf8))
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { _ = try await hostile.store.whole("k", from: 3) }
      #expect(error?.code == .invalidAnswer)
    }
  }
}
