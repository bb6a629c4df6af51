import Czstd

/// One zstd frame, on one thread.
final class ZstdCompressor: Compressor {
  static let level: Int32 = 3

  private let context: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: ArchiveCompression.blockBytes)

  init() throws(ArchiveError) {
    guard let context = ZSTD_createCCtx() else {
      throw ArchiveError(.compression, "zstd could not be set up; is there memory?")
    }
    self.context = context
    for (parameter, value) in [(ZSTD_c_compressionLevel, Self.level), (ZSTD_c_checksumFlag, 1)] {
      guard ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0 else {
        throw ArchiveError(.compression, "zstd refused a parameter")
      }
    }
  }

  deinit { ZSTD_freeCCtx(context) }

  func compress(
    _ input: UnsafeRawBufferPointer, isLast: Bool, _ output: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var isDone = false
    repeat {
      let capacity = buffer.count
      let result: Result<Int, ArchiveError> = buffer.withUnsafeMutableBytes { room in
        var target = ZSTD_outBuffer(dst: room.baseAddress, size: capacity, pos: 0)
        let left = ZSTD_compressStream2(context, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
        guard ZSTD_isError(left) == 0 else {
          return .failure(ArchiveError(.compression, "zstd gave up: \(String(cString: ZSTD_getErrorName(left)))"))
        }
        isDone = isLast ? left == 0 : source.pos == source.size
        guard target.pos > 0 else { return .success(0) }
        do throws(ArchiveError) {
          try output(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<target.pos]))
        } catch {
          return .failure(error)
        }
        return .success(target.pos)
      }
      _ = try result.get()
    } while !isDone
  }
}

/// zstd frames in a row, with a bounded window.
final class ZstdDecompressor: Decompressor {
  /// The largest window a frame may ask for, as a power of two: 8 MiB, what level 3 never exceeds.
  static let windowLogMax: Int32 = 23

  private let context: OpaquePointer
  private var buffer = [UInt8](repeating: 0, count: ArchiveCompression.blockBytes)
  private(set) var isComplete = false

  init() throws(ArchiveError) {
    guard let context = ZSTD_createDCtx() else {
      throw ArchiveError(.compression, "zstd could not be set up; is there memory?")
    }
    self.context = context
    guard ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)) == 0 else {
      throw ArchiveError(.compression, "zstd refused a parameter")
    }
  }

  deinit { ZSTD_freeDCtx(context) }

  func decompress(_ input: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) throws -> Void) throws {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var isFull = false
    while source.pos < source.size || isFull {
      let capacity = buffer.count
      let produced = try buffer.withUnsafeMutableBytes { room in
        var target = ZSTD_outBuffer(dst: room.baseAddress, size: capacity, pos: 0)
        let left = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(left) == 0 else { throw ArchiveError(.garbled, "the zstd data are damaged") }
        isComplete = left == 0
        isFull = target.pos == target.size && !isComplete
        return target.pos
      }
      if produced > 0 {
        try buffer.withUnsafeBytes { try output(UnsafeRawBufferPointer(rebasing: $0[..<produced])) }
      }
    }
  }
}
