import Synchronization

/// Ids for CloudEvents: unique for every emitter that ever was, by chance, and in order within one.
final class EventIdentity: Sendable {
  private let prefix: [UInt8]
  private let sequence = Atomic<UInt64>(0)

  init() {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    prefix = Array((String(repeating: "0", count: 16 - digits.count) + digits + "-").utf8)
  }

  /// Sixteen hexadecimal digits of the emitter, a hyphen, the number of the action, from 1.
  func next() -> String {
    // Short enough to need no memory of its own for the first 10^15.
    let number = String(sequence.add(1, ordering: .relaxed).newValue).utf8
    return String(unsafeUninitializedCapacity: prefix.count + number.count) { id in
      let end = id.initialize(fromContentsOf: prefix)
      return id[end...].initialize(fromContentsOf: number)
    }
  }
}
