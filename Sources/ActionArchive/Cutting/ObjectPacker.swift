import Crypto
import Synchronization

/// Packs and hashes one object's blocks into its file, on one of the ``PackingThreads``.
final class ObjectPacker: @unchecked Sendable {
  // Of the packing thread alone.
  private let file: SpoolFile
  private let compressor: any Compressor
  private var contentHash = SHA256()
  private var packedHash = SHA256()

  private struct State {
    var failure: ArchiveError?
    var result: Result<PackedFacts, ArchiveError>?
    var waiter: CheckedContinuation<Result<PackedFacts, ArchiveError>, Never>?
  }
  private let state = Mutex(State())

  init(path: String, compression: ArchiveCompression) throws(ArchiveError) {
    file = try SpoolFile(path: path)
    compressor = try compression.compressor()
  }

  var path: String { file.path }

  /// What went wrong so far: nothing needs to be handed over any more.
  var failure: ArchiveError? { state.withLock { $0.failure } }

  func pack(_ content: UnsafeRawBufferPointer, isLast: Bool) {
    var failure = failure
    if failure == nil {
      do throws(ArchiveError) {
        contentHash.update(bufferPointer: content)
        try compressor.compress(content, isLast: isLast) { (packed) throws(ArchiveError) in
          packedHash.update(bufferPointer: packed)
          try file.append(packed)
        }
      } catch {
        failure = error
        state.withLock { $0.failure = error }
      }
    }
    guard isLast else { return }
    file.finish()
    let facts = PackedFacts(
      sha256: Array(packedHash.finalize()), contentSHA256: Array(contentHash.finalize()), bytes: file.size)
    let result: Result<PackedFacts, ArchiveError> = failure.map { .failure($0) } ?? .success(facts)
    let waiter = state.withLock { state in
      state.result = result
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: result)
  }

  /// Waits until the last block is packed. One may wait.
  func finished() async throws(ArchiveError) -> PackedFacts {
    let result: Result<PackedFacts, ArchiveError> = await withCheckedContinuation { continuation in
      let result = state.withLock { state in
        if state.result == nil { state.waiter = continuation }
        return state.result
      }
      if let result { continuation.resume(returning: result) }
    }
    return try result.get()
  }
}

/// What is known of an object when it is packed: SHA-256 of its bytes and of its lines, and its size in bytes.
struct PackedFacts: Sendable {
  var sha256: [UInt8]
  var contentSHA256: [UInt8]
  var bytes: Int64
}
