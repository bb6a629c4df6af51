import AsyncHTTPClient
import Crypto
import Foundation
import NIOHTTP1

/// Objects in parts ("multipart upload"): a part that fails is sent again, not the whole, and nothing is seen of the
/// object before its last request.
extension S3ObjectStore {
  /// S3 allows 10,000; OpenStack Swift's S3 API 1,000.
  static let partsMax: Int64 = 1_000
  /// Of all parts but the last.
  static let partBytesMin: Int64 = 5 * 1024 * 1024

  static func partBytes(size: Int64, wanted: Int64) -> Int64 {
    max(wanted, partBytesMin, (size + partsMax - 1) / partsMax)
  }

  private struct Part: Sendable {
    var number: Int
    var etag: String
    var sha256: [UInt8]
  }

  func putInParts(_ object: NewObject, _ content: UploadContent) async throws(ObjectStoreError) -> PutResult {
    // Seen before gigabytes are sent, not after.
    let existing = try await retrier.run(.facts) { _ throws(AttemptFailure) in try await head(object.key) != nil }
    if existing { return .exists }
    let upload = try await beginParts(object)
    do throws(ObjectStoreError) {
      let parts = try await sendParts(object, content, upload)
      let result = try await endParts(object, upload, parts)
      if case .exists = result { await abandonParts(upload, key: object.key) }
      return result
    } catch {
      await abandonParts(upload, key: object.key)
      throw error
    }
  }

  /// - Returns: The upload's id.
  func beginParts(_ object: NewObject) async throws(ObjectStoreError) -> String {
    try await retrier.run(.multipartBegin) { _ throws(AttemptFailure) in
      var request = S3Client.Request(operation: .multipartBegin, method: .POST, key: object.key)
      request.query = [(name: "uploads", value: "")]
      request.headers = headers(for: object)
      request.headers.add(name: "x-amz-checksum-algorithm", value: "SHA256")
      let answer = try await client.send(request)
      guard let root = XMLElement.document(answer.body), root.name == "InitiateMultipartUploadResult",
        let id = root["UploadId"]?.text, (1...4_096).contains(id.utf8.count)
      else {
        throw .passing(
          .invalidAnswer, "\(location) gives no id for an object in parts: is it an S3 server?", reason: "garbled")
      }
      return id
    }
  }

  private func sendParts(
    _ object: NewObject, _ content: UploadContent, _ upload: String
  ) async throws(ObjectStoreError) -> [Part] {
    let step = Self.partBytes(size: object.size, wanted: limits.partBytes)
    var whole = SHA256()
    var parts: [Part] = []
    for start in stride(from: 0, to: object.size, by: Int(step)) {
      let part = content.part(start..<min(start + step, object.size))
      let digests = try await part.digests(also: whole)
      whole = digests.whole
      let number = parts.count + 1
      let etag = try await sendPart(number, part, digests.sha256, upload, key: object.key)
      parts.append(Part(number: number, etag: etag, sha256: digests.sha256))
    }
    guard whole.finalize().elementsEqual(object.sha256) else { throw object.contentDiffers }
    return parts
  }

  private func sendPart(
    _ number: Int, _ part: UploadContent, _ sha256: [UInt8], _ upload: String, key: String
  ) async throws(ObjectStoreError) -> String {
    try await retrier.run(.multipartPart) { _ throws(AttemptFailure) in
      var request = S3Client.Request(operation: .multipartPart, method: .PUT, key: key)
      request.query = [(name: "partNumber", value: String(number)), (name: "uploadId", value: upload)]
      request.headers = ["x-amz-checksum-sha256": Data(sha256).base64EncodedString()]
      request.payloadSHA256 = Hex.text(sha256)
      request.body = part.body(expecting: sha256, UploadDigests())
      request.bodyBytes = part.size
      let answer = try await client.send(request)
      guard let etag = answer.header("etag"), (1...256).contains(etag.utf8.count),
        etag.utf8.allSatisfy({ isWordByte($0) || $0 == UInt8(ascii: "\"") })
      else {
        throw .passing(
          .invalidAnswer, "\(location) took a part and gave it no ETag: is it an S3 server?", reason: "garbled")
      }
      return etag
    }
  }

  private func endParts(
    _ object: NewObject, _ upload: String, _ parts: [Part]
  ) async throws(ObjectStoreError) -> PutResult {
    let list = parts.map {
      "<Part><PartNumber>\($0.number)</PartNumber><ETag>\($0.etag.replacing("\"", with: "&quot;"))</ETag>"
        + "<ChecksumSHA256>\(Data($0.sha256).base64EncodedString())</ChecksumSHA256></Part>"
    }
    let body = Array(
      ("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + list.joined()
        + "</CompleteMultipartUpload>").utf8)
    return try await retrier.run(.multipartEnd) { attempt throws(AttemptFailure) in
      var request = S3Client.Request(operation: .multipartEnd, method: .POST, key: object.key)
      request.query = [(name: "uploadId", value: upload)]
      request.headers = ["Content-Type": "application/xml", "If-None-Match": "*"]
      request.payloadSHA256 = Hex.text(SHA256.hash(data: body))
      request.body = .bytes(body)
      request.bodyBytes = Int64(body.count)
      let answer = try await client.send(request, expecting: [404, 412])
      switch answer.status {
      case 412: return .exists
      case 404:
        // An earlier try's answer was lost: the upload has become the object.
        guard attempt > 1, try await head(object.key) != nil else { throw await client.judge(answer) }
        return .exists
      default:
        // Sent before the store knew how it would end: a 200 may hold an error.
        guard let root = XMLElement.document(answer.body) else {
          throw .passing(
            .invalidAnswer, "\(location) ended an object in parts with what is no answer", reason: "garbled")
        }
        if root.name == "CompleteMultipartUploadResult" { return .stored(isSuspicious: false) }
        throw await failure(inside: answer, root)
      }
    }
  }

  private func failure(inside answer: StoreAnswer, _ root: XMLElement) async -> AttemptFailure {
    let code = S3Failures.code(of: root)
    if code == "PreconditionFailed" {
      return .final(.conflict, "another object of that name came while its parts were sent")
    }
    // What the status would have been: codes that nobody knows are taken for the server's trouble.
    var inner = answer
    inner.status = 500
    return await client.judge(inner, code: code)
  }

  func abortParts(_ upload: String, key: String) async throws(ObjectStoreError) {
    try await retrier.run(.multipartAbort) { _ throws(AttemptFailure) in
      let request = S3Client.Request(
        operation: .multipartAbort, method: .DELETE, key: key, query: [(name: "uploadId", value: upload)])
      _ = try await client.send(request, expecting: [404])
    }
  }

  /// Calls off an upload that failed, also when the task that made it is cancelled. What cannot be called off is left to
  /// the bucket's own rule (AbortIncompleteMultipartUpload).
  private func abandonParts(_ upload: String, key: String) async {
    let task = Task { () -> ObjectStoreError? in
      do throws(ObjectStoreError) {
        try await abortParts(upload, key: key)
        return nil
      } catch {
        return error
      }
    }
    if let error = await task.value { note(abandoned: key, error) }
  }
}
