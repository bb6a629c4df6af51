import ActionStore
import NIOPosix
import Synchronization

/// Reads of the store that may wait for the disk, on threads that may: few at a time, and a bounded number that wait.
final class StoreReadings: Sendable {
  static let waitingMax = 64

  private let waiting = Atomic<Int>(0)

  /// - Throws: 503 where too many wait, or the store cannot answer.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(Problem) -> Value {
    let count = waiting.wrappingAdd(1, ordering: .relaxed).newValue
    defer { waiting.wrappingSubtract(1, ordering: .relaxed) }
    guard count <= Self.waitingMax else { throw .overloaded }
    do {
      return try await NIOThreadPool.singleton.runIfActive { try body() }
    } catch let error as StoreError {
      throw error.code == .damaged ? .unreadable : .unavailable("the store cannot do this now")
    } catch {
      throw .unavailable("this node is stopping")
    }
  }
}
