import Synchronization

/// What is wanted of one queue, as bits, and how often something was not: all that a worker touches that emits an event
/// nobody wants. A look at it is compiled into whoever emits, and takes nothing but a kind's number.
@usableFromInline
final class QueueGate: Sendable {
  /// The kinds that both the channels and the queue want.
  @usableFromInline let wanted = KindBits()
  private let everywhere: EmitterKinds
  private let skippedByChannel = Atomic<Int>(0)
  private let skippedByQueue = Atomic<Int>(0)

  init(_ everywhere: EmitterKinds) { self.everywhere = everywhere }

  @inlinable @inline(__always)
  func wants(_ kind: EventKind) -> Bool { wanted.contains(kind.number) }

  /// Counts an event of a kind that is not wanted.
  /// - Parameter number: the kind's.
  /// - Returns: why it is not, as things are now. Nil, and nothing is counted, where the kind has to be judged by its
  ///   name: because it is refused, or has no number.
  @usableFromInline
  func skip(_ number: Int) -> EmitSkip? {
    guard number < EventKind.numberedMax, !everywhere.refused.contains(number) else { return nil }
    let reason: EmitSkip = everywhere.wanted.contains(number) ? .queue : .channel
    countSkip(reason)
    return reason
  }

  @inline(__always)
  func countSkip(_ reason: EmitSkip) {
    switch reason {
    case .channel: skippedByChannel.add(1, ordering: .relaxed)
    case .queue: skippedByQueue.add(1, ordering: .relaxed)
    }
  }

  var skips: EventGate.Skips {
    EventGate.Skips(
      channel: skippedByChannel.load(ordering: .relaxed), queue: skippedByQueue.load(ordering: .relaxed))
  }
}

/// What holds of the kinds that have a number, whichever the queue.
final class EmitterKinds: Sendable {
  /// Those that the channels want.
  let wanted = KindBits()
  /// Those that are refused: outside the catalogue, while only known types are taken.
  let refused = KindBits()
}
