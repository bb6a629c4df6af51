import NIOPosix

/// Runs what blocks (files) on threads kept for that, never on the cooperative pool.
enum BlockingWork {
  static func run<Result: Sendable>(
    _ work: @escaping @Sendable () throws(ObjectStoreError) -> Result
  ) async throws(ObjectStoreError) -> Result {
    do {
      return try await NIOThreadPool.singleton.runIfActive { try work() }
    } catch let error as ObjectStoreError {
      throw error
    } catch {
      throw ObjectStoreError(.unavailable, "stopped while at work on a file", isRetriable: true)
    }
  }
}

/// Memory whose address stays the same over suspensions. One user at a time.
final class ChunkBuffer: @unchecked Sendable {
  static let bytes = 256 * 1024

  let memory: UnsafeMutableRawBufferPointer

  init(capacity: Int = ChunkBuffer.bytes) {
    memory = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  func first(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
}
