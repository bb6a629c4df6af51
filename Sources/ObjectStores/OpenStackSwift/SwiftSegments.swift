import AsyncHTTPClient
import Crypto
import Foundation
import NIOHTTP1

/// Large objects ("static large objects"): segments in a container of their own, and last a manifest, which is the
/// object. A segment is named by the whole's SHA-256, so that a repeated upload finds what is there already and never
/// touches the segments of an object with other content. Segments of an upload that failed stay for the next try: to
/// remove them would be to risk those of an object whose manifest another writer, or a try whose answer was lost, has
/// just put.
extension SwiftObjectStore {
  /// The service's own limit, unless its operator has raised it.
  private static let segmentsMax: Int64 = 1_000

  private struct Segment: Sendable, Encodable {
    var path: String
    var etag: String
    var sizeBytes: Int64

    enum CodingKeys: String, CodingKey {
      case path, etag
      case sizeBytes = "size_bytes"
    }
  }

  /// - Returns: The ETag the object must have; nil when one of its name exists.
  func putInSegments(_ object: NewObject, _ content: UploadContent) async throws(ObjectStoreError) -> String? {
    // Seen before gigabytes are sent, not after.
    let existing = try await retrier.run(.facts) { _ throws(AttemptFailure) in try await head(object.key) != nil }
    if existing { return nil }
    try await makeSegmentsContainer()
    var segments: [Segment] = []
    try await send(object, content, &segments)
    return try await putManifest(object, segments)
  }

  private func makeSegmentsContainer() async throws(ObjectStoreError) {
    let request = SwiftClient.Request(operation: .multipartBegin, method: .PUT, container: segmentsContainer)
    try await retrier.run(.multipartBegin) { _ throws(AttemptFailure) in
      // One that is there may be ours to write though not to make.
      _ = try await client.send(request, expecting: [403])
    }
  }

  private func send(
    _ object: NewObject, _ content: UploadContent, _ segments: inout [Segment]
  ) async throws(ObjectStoreError) {
    let step = max(limits.partBytes, (object.size + Self.segmentsMax - 1) / Self.segmentsMax)
    let folder = "\(full(object.key))/\(Hex.text(object.sha256))/\(step)"
    var whole = SHA256()
    for start in stride(from: 0, to: object.size, by: Int(step)) {
      let part = content.part(start..<min(start + step, object.size))
      let digests = try await part.digests(also: whole)
      whole = digests.whole
      let number = String(segments.count + 1)
      let name = "\(folder)/\(String(repeating: "0", count: 8 - number.utf8.count))\(number)"
      let segment = Segment(path: "/\(segmentsContainer)/\(name)", etag: Hex.text(digests.md5), sizeBytes: part.size)
      segments.append(segment)
      try await send(segment, name: name, part, sha256: digests.sha256)
    }
    guard whole.finalize().elementsEqual(object.sha256) else { throw object.contentDiffers }
  }

  private func send(
    _ segment: Segment, name: String, _ part: UploadContent, sha256: [UInt8]
  ) async throws(ObjectStoreError) {
    try await retrier.run(.multipartPart) { _ throws(AttemptFailure) in
      let found = try await client.send(
        .init(operation: .multipartPart, method: .HEAD, container: segmentsContainer, name: name), expecting: [404])
      if found.status != 404, found.header("etag") == segment.etag,
        found.header("content-length") == String(segment.sizeBytes)
      {
        return
      }
      var request = SwiftClient.Request(
        operation: .multipartPart, method: .PUT, container: segmentsContainer, name: name)
      request.headers = ["Content-Type": "application/octet-stream", "ETag": segment.etag]
      request.body = part.body(expecting: sha256, UploadDigests())
      request.bodyBytes = part.size
      _ = try await client.send(request)
    }
  }

  private func putManifest(_ object: NewObject, _ segments: [Segment]) async throws(ObjectStoreError) -> String? {
    guard let data = try? JSONEncoder().encode(segments) else {
      throw ObjectStoreError(.invalidConfiguration, "'\(ObjectKey.shown(object.key))' cannot be named in a manifest")
    }
    let body = Array(data)
    let etag = Hex.text(Insecure.MD5.hash(data: Array(segments.map(\.etag).joined().utf8)))
    var request = SwiftClient.Request(
      operation: .multipartEnd, method: .PUT, container: client.container, name: full(object.key),
      query: [(name: "multipart-manifest", value: "put")])
    request.headers = headers(for: object)
    request.headers.add(name: "ETag", value: etag)
    request.body = .bytes(body)
    request.bodyBytes = Int64(body.count)
    let prepared = request
    return try await retrier.run(.multipartEnd) { attempt throws(AttemptFailure) -> String? in
      if attempt > 1, try await head(object.key) != nil { return nil }
      return try await client.send(prepared, expecting: [412]).status == 412 ? nil : etag
    }
  }
}
