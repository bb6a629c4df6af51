import AuditActions
import Synchronization

/// What is wanted of one queue, as bits, and how often something was not: all that a worker touches that emits an event
/// nobody wants.
final class QueueGate: Sendable {
  /// The kinds that both the channels and the queue want.
  let wanted = KindBits()
  private let skippedByChannel = Atomic<Int>(0)
  private let skippedByQueue = Atomic<Int>(0)

  @inline(__always)
  func wants(_ kind: EventKind) -> Bool { wanted.contains(kind.number) }

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
