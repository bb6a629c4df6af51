import Synchronization

final class Counter: Sendable {
  private let value = Atomic<UInt64>(0)
  func next() -> UInt64 { value.wrappingAdd(1, ordering: .relaxed).newValue }
}
