public import Synchronization

/// A set of event numbers that any thread may read while another changes it: a bit each. A look is one atomic load; one
/// kind's bit changes at one moment, several kinds' bits one after the other.
@usableFromInline
struct KindBits: ~Copyable, Sendable {
  @usableFromInline let words: InlineArray<4, Atomic<UInt64>>

  init() {
    words = InlineArray { _ in Atomic(0) }
  }

  /// False for a number that has no bit.
  @inlinable @inline(__always)
  func contains(_ number: Int) -> Bool {
    guard number < EventKind.numberedMax else { return false }
    return words[number &>> 6].load(ordering: .relaxed) & (1 &<< UInt64(number & 63)) != 0
  }

  func set(_ number: Int, to isMember: Bool) {
    guard number < EventKind.numberedMax else { return }
    let bit: UInt64 = 1 &<< UInt64(number & 63)
    if isMember {
      words[number &>> 6].bitwiseOr(bit, ordering: .relaxed)
    } else {
      words[number &>> 6].bitwiseAnd(~bit, ordering: .relaxed)
    }
  }
}
