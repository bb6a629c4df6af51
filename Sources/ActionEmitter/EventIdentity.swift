import Synchronization

/// Ids for CloudEvents: unique for every emitter that ever was, by chance, and in order within one.
final class EventIdentity: Sendable {
  private let prefix: String
  private let sequence = Atomic<UInt64>(0)

  init() {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    prefix = String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Sixteen hexadecimal digits of the emitter, a hyphen, the number of the action, from 1.
  func next() -> String {
    var id = prefix
    id.reserveCapacity(16 + 1 + 20)
    id += "-"
    // Short enough to need no memory of its own for the first 10^15.
    id += String(sequence.add(1, ordering: .relaxed).newValue)
    return id
  }
}
