import AsyncHTTPClient
import Crypto
import NIOCore
import Synchronization

/// The content of an object, or a part of it, as it is sent: in chunks, hashed on its way.
struct UploadContent: Sendable {
  enum Source: Sendable {
    case bytes([UInt8])
    case file(OpenFile)
  }

  /// Of an object: S3's own limit.
  private static let sizeMax: Int64 = 5 << 40

  let source: Source
  /// Of the source's bytes.
  let range: Range<Int64>
  let files: LocalFiles

  /// Opens the object's content; bytes in memory are checked here, files while they are sent.
  static func open(_ object: NewObject, files: LocalFiles) async throws(ObjectStoreError) -> UploadContent {
    guard object.sha256.count == SHA256.byteCount else {
      throw ObjectStoreError(.invalidConfiguration, "a SHA-256 has 32 bytes, not \(object.sha256.count)")
    }
    guard (0...sizeMax).contains(object.size) else {
      throw ObjectStoreError(.notSupported, "an object has at most 5 TiB: cut smaller ones")
    }
    switch object.content {
    case .bytes(let bytes):
      guard SHA256.hash(data: bytes).elementsEqual(object.sha256) else { throw object.contentDiffers }
      return UploadContent(source: .bytes(bytes), range: 0..<Int64(bytes.count), files: files)
    case .file(let path, let size):
      let file = try await BlockingWork.run { () throws(ObjectStoreError) -> OpenFile in
        guard let file = try files.openForReading(path) else {
          throw ObjectStoreError(.io, "the file \(path), to be stored, is gone")
        }
        guard try files.size(of: file) == size else { throw object.contentDiffers }
        return file
      }
      return UploadContent(source: .file(file), range: 0..<size, files: files)
    }
  }

  var size: Int64 { range.upperBound - range.lowerBound }

  /// A part of this content. `part` counts from this content's beginning.
  func part(_ part: Range<Int64>) -> UploadContent {
    UploadContent(
      source: source, range: (range.lowerBound + part.lowerBound)..<(range.lowerBound + part.upperBound), files: files)
  }

  /// Reads it once for its digests, and on through `also` for the SHA-256 of what it is a part of.
  func digests(
    also whole: SHA256 = SHA256()
  ) async throws(ObjectStoreError) -> (sha256: [UInt8], md5: [UInt8], whole: SHA256) {
    let content = self
    return try await BlockingWork.run { () throws(ObjectStoreError) in
      var (sha256, md5, whole) = (SHA256(), Insecure.MD5(), whole)
      let buffer = ChunkBuffer()
      var position = content.range.lowerBound
      while position < content.range.upperBound {
        let count = try content.read(at: position, into: buffer.memory)
        sha256.update(bufferPointer: buffer.first(count))
        md5.update(bufferPointer: buffer.first(count))
        whole.update(bufferPointer: buffer.first(count))
        position += Int64(count)
      }
      return (Array(sha256.finalize()), Array(md5.finalize()), whole)
    }
  }

  /// Fills the buffer as far as the range goes; at least one byte, or it throws.
  fileprivate func read(
    at position: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(ObjectStoreError) -> Int {
    let wanted = Int(min(Int64(buffer.count), range.upperBound - position))
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
    switch source {
    case .bytes(let bytes):
      space.copyBytes(from: bytes[Int(position)..<Int(position) + wanted])
      return wanted
    case .file(let file):
      let count = try files.read(file, at: position, into: space)
      guard count > 0 else {
        throw ObjectStoreError(.io, "\(file.path) became shorter while it was sent; nothing was stored")
      }
      return count
    }
  }

  /// A request's body. `digests` knows afterwards what was sent; content without `sha256` breaks the request off before
  /// its last byte.
  func body(expecting sha256: [UInt8], _ digests: UploadDigests) -> HTTPClientRequest.Body {
    if case .bytes(let bytes) = source {
      let slice = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
      digests.update(slice)
      return .bytes(ByteBuffer(bytes: slice))
    }
    return .stream(UploadChunks(content: self, sha256: sha256, digests: digests), length: .known(size))
  }
}

/// What went over the wire in one try.
final class UploadDigests: Sendable {
  private let state = Mutex((sha256: SHA256(), md5: Insecure.MD5()))

  func update(_ bytes: ArraySlice<UInt8>) {
    state.withLock {
      $0.sha256.update(data: bytes)
      $0.md5.update(data: bytes)
    }
  }

  func update(_ bytes: UnsafeRawBufferPointer) {
    // The pointer is used within the call only.
    nonisolated(unsafe) let bytes = bytes
    state.withLock {
      $0.sha256.update(bufferPointer: bytes)
      $0.md5.update(bufferPointer: bytes)
    }
  }

  var sha256: [UInt8] { state.withLock { Array($0.sha256.finalize()) } }
  /// What Swift calls an ETag; not for security.
  var md5: [UInt8] { state.withLock { Array($0.md5.finalize()) } }
}

private struct UploadChunks: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  let content: UploadContent
  let sha256: [UInt8]
  let digests: UploadDigests

  func makeAsyncIterator() -> Iterator {
    Iterator(content: content, sha256: sha256, digests: digests, position: content.range.lowerBound)
  }

  struct Iterator: AsyncIteratorProtocol {
    let content: UploadContent
    let sha256: [UInt8]
    let digests: UploadDigests
    var position: Int64

    mutating func next() async throws -> ByteBuffer? {
      guard position < content.range.upperBound else { return nil }
      let (content, digests, at) = (content, digests, position)
      let chunk = try await BlockingWork.run { () throws(ObjectStoreError) in
        let buffer = ChunkBuffer()
        let count = try content.read(at: at, into: buffer.memory)
        digests.update(buffer.first(count))
        return ByteBuffer(bytes: buffer.first(count))
      }
      position += Int64(chunk.readableBytes)
      if position == content.range.upperBound, digests.sha256 != sha256 {
        throw ObjectStoreError(.io, "the content sent does not have the SHA-256 announced; nothing was stored")
      }
      return chunk
    }
  }
}
