/// How objects are packed. Level and header are pinned: the same lines give the same bytes.
package enum ArchiveCompression: String, Sendable, CaseIterable {
  /// RFC 1952, level 6; no name, no time stamp, operating system 255 ("unknown").
  case gzip
  /// RFC 8878, level 3, with a content checksum.
  case zstd

  /// The end of an object's name.
  package var nameSuffix: String {
    switch self {
    case .gzip: "gz"
    case .zstd: "zst"
    }
  }

  /// What a compressor is given at a time. Its output may depend on how its input is divided, so the division must not
  /// depend on when records came.
  static let blockBytes = 64 << 10
}

/// Takes bytes in, gives packed bytes out.
protocol Compressor: AnyObject {
  /// - Parameter isLast: ends the stream; nothing may follow.
  func compress(
    _ input: UnsafeRawBufferPointer, isLast: Bool, _ output: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
  ) throws(ArchiveError)
}

/// Takes packed bytes in, gives bytes out.
protocol Decompressor: AnyObject {
  /// - Throws: `garbled`, or what `output` throws.
  func decompress(
    _ input: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) throws -> Void
  ) throws
  /// Whether the stream has come to its end, so that nothing is missing.
  var isComplete: Bool { get }
}

extension ArchiveCompression {
  func compressor() throws(ArchiveError) -> any Compressor {
    switch self {
    case .gzip: try GzipCompressor()
    case .zstd: try ZstdCompressor()
    }
  }

  func decompressor() throws(ArchiveError) -> any Decompressor {
    switch self {
    case .gzip: try GzipDecompressor()
    case .zstd: try ZstdDecompressor()
    }
  }
}
