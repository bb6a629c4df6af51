import Czlib

/// zlib's deflate with a gzip header that says nothing.
final class GzipCompressor: Compressor {
  static let level: Int32 = 6

  private let stream: UnsafeMutablePointer<z_stream>
  private let header: UnsafeMutablePointer<gz_header>
  private var buffer = [UInt8](repeating: 0, count: ArchiveCompression.blockBytes)

  init() throws(ArchiveError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    header = .allocate(capacity: 1)
    header.initialize(to: gz_header())
    header.pointee.os = 255
    // Window 15, and 16 for gzip's header and trailer.
    let code = deflateInit2_(
      stream, Self.level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK, deflateSetHeader(stream, header) == Z_OK else {
      throw ArchiveError(.compression, "zlib could not be set up (\(code)); is there memory?")
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    header.deallocate()
  }

  func compress(
    _ input: UnsafeRawBufferPointer, isLast: Bool, _ output: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(clamping: input.count)
    var code = Z_OK
    repeat {
      let capacity = buffer.count
      let produced = buffer.withUnsafeMutableBufferPointer { room in
        stream.pointee.next_out = room.baseAddress
        stream.pointee.avail_out = UInt32(clamping: capacity)
        code = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
        return capacity - Int(stream.pointee.avail_out)
      }
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw ArchiveError(.compression, "zlib gave up with \(code)")
      }
      try pass(buffer, produced, output)
    } while isLast ? code != Z_STREAM_END : stream.pointee.avail_out == 0
  }
}

/// zlib's inflate for gzip, several members in a row included.
final class GzipDecompressor: Decompressor {
  private let stream: UnsafeMutablePointer<z_stream>
  private var buffer = [UInt8](repeating: 0, count: ArchiveCompression.blockBytes)
  private(set) var isComplete = false

  init() throws(ArchiveError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw ArchiveError(.compression, "zlib could not be set up; is there memory?")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func decompress(_ input: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) throws -> Void) throws {
    guard !input.isEmpty else { return }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(clamping: input.count)
    repeat {
      if isComplete {
        // An object of ours is one member; what follows it was not written by us, or by concatenating objects.
        guard stream.pointee.avail_in > 0 else { return }
        guard inflateReset(stream) == Z_OK else { throw ArchiveError(.compression, "zlib could not begin anew") }
        isComplete = false
      }
      let capacity = buffer.count
      var code = Z_OK
      let produced = buffer.withUnsafeMutableBufferPointer { room in
        stream.pointee.next_out = room.baseAddress
        stream.pointee.avail_out = UInt32(clamping: capacity)
        code = inflate(stream, Z_NO_FLUSH)
        return capacity - Int(stream.pointee.avail_out)
      }
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw ArchiveError(.garbled, "the gzip data are damaged")
      }
      try passing(buffer, produced, output)
      if code == Z_STREAM_END { isComplete = true }
    } while stream.pointee.avail_in > 0 || (stream.pointee.avail_out == 0 && !isComplete)
  }
}

private func pass(
  _ buffer: [UInt8], _ count: Int, _ output: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
) throws(ArchiveError) {
  guard count > 0 else { return }
  let result: Result<Void, ArchiveError> = buffer.withUnsafeBytes { bytes in
    do throws(ArchiveError) {
      return .success(try output(UnsafeRawBufferPointer(rebasing: bytes[..<count])))
    } catch {
      return .failure(error)
    }
  }
  try result.get()
}

private func passing(_ buffer: [UInt8], _ count: Int, _ output: (UnsafeRawBufferPointer) throws -> Void) throws {
  guard count > 0 else { return }
  try buffer.withUnsafeBytes { try output(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
}
