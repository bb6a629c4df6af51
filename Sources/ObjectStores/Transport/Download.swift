import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// An object on its way to a reader, over as many connections as it takes.
struct Download: Sendable {
  let key: String
  /// Where the store keeps the SHA-256 an object was put with.
  let sha256Header: String
  let transport: Transport
  let retrier: Retrier

  /// - Parameter open: Asks for the object from an offset on, of that ETag when one is given, and returns the answer
  ///   when its status is 200 or 206.
  func run(
    from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void,
    open: @Sendable (_ offset: Int64, _ etag: String?) async throws(AttemptFailure) -> HTTPClientResponse
  ) async throws -> ObjectFacts {
    let buffer = ChunkBuffer()
    var position = offset
    var known: Opening?
    var attempt = 1
    while true {
      let before = position
      let failure: AttemptFailure
      switch await opening(at: position, like: known, open) {
      case .failure(let refused): failure = refused
      case .success(let opening):
        known = opening
        guard let cut = try await copy(opening, &position, buffer, consume) else { return opening.facts }
        failure = cut
      }
      // Every connection that brought something starts the count of tries anew.
      if position > before { attempt = 1 }
      try await retrier.wait(after: failure, attempt: attempt, .read)
      attempt += 1
    }
  }

  private func opening(
    at position: Int64, like known: Opening?,
    _ open: @Sendable (_ offset: Int64, _ etag: String?) async throws(AttemptFailure) -> HTTPClientResponse
  ) async -> Result<Opening, AttemptFailure> {
    do throws(AttemptFailure) {
      let opening = try Opening(
        try await open(position, known?.etag), key: key, at: position, sha256Header: sha256Header)
      guard known == nil || known?.facts.size == opening.facts.size else {
        throw .final(.invalidAnswer, "'\(ObjectKey.shown(key))' changed while it was read: something alters the store")
      }
      return .success(opening)
    } catch {
      return .failure(error)
    }
  }

  /// - Returns: Why it ended early; nil when everything came.
  /// - Throws: What `consume` throws.
  private func copy(
    _ opening: Opening, _ position: inout Int64, _ buffer: ChunkBuffer,
    _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> AttemptFailure? {
    var skip = opening.isWhole ? position : 0
    var chunks = opening.response.body.makeAsyncIterator()
    while true {
      var chunk: ByteBuffer
      do {
        guard let next = try await chunks.next() else { break }
        chunk = next
      } catch {
        return AttemptFailure(transport: error, host: opening.host)
      }
      let skipped = Int(min(skip, Int64(chunk.readableBytes)))
      chunk.moveReaderIndex(forwardBy: skipped)
      skip -= Int64(skipped)
      guard Int64(chunk.readableBytes) <= opening.facts.size - position else { return opening.wrongLength }
      while chunk.readableBytes > 0 {
        let count = min(chunk.readableBytes, buffer.memory.count)
        chunk.readWithUnsafeReadableBytes { bytes in
          buffer.memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
          return count
        }
        transport.countReceived(bytes: Int64(count))
        try await consume(buffer.first(count))
        position += Int64(count)
      }
    }
    return position == opening.facts.size ? nil : opening.wrongLength
  }
}

/// The beginning of a download's answer.
private struct Opening: Sendable {
  var response: HTTPClientResponse
  var facts: ObjectFacts
  /// Identifies the content: what follows a break must be of the same.
  var etag: String?
  /// The server did not skip what was not asked for.
  var isWhole: Bool
  let host = "the store"

  init(
    _ response: HTTPClientResponse, key: String, at position: Int64, sha256Header: String
  ) throws(AttemptFailure) {
    self.response = response
    isWhole = response.status != .partialContent
    etag = response.headers.first(name: "etag")
    let length = response.headers.first(name: "content-length").flatMap { Int64($0) } ?? -1
    let size: Int64?
    if isWhole {
      size = length
    } else {
      size = ContentRange(response.headers.first(name: "content-range") ?? "").flatMap {
        $0.first == position && $0.last == $0.size - 1 && length == $0.size - position ? $0.size : nil
      }
    }
    guard let size, size >= position else {
      throw .passing(
        .invalidAnswer,
        "the store's answer for '\(ObjectKey.shown(key))' does not say how long it is, or not what was "
          + "asked for: is a proxy between that alters answers?", reason: "length")
    }
    facts = ObjectFacts(
      key: key, size: size, sha256: response.headers.first(name: sha256Header).flatMap { Hex.sha256($0) })
  }

  var wrongLength: AttemptFailure {
    .passing(
      .invalidAnswer, "the store sent another number of bytes than it announced for '\(ObjectKey.shown(facts.key))'",
      reason: "length")
  }
}

/// `bytes 5-9/10` (RFC 9110, 14.4).
struct ContentRange: Equatable {
  let first: Int64
  let last: Int64
  let size: Int64

  init?(_ text: String) {
    guard text.hasPrefix("bytes ") else { return nil }
    let numbers = text.dropFirst(6).split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "/" }.map { Int64($0) }
    guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let size = numbers[2],
      first >= 0, first <= last, last < size
    else { return nil }
    (self.first, self.last, self.size) = (first, last, size)
  }
}
