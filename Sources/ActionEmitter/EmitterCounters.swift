import Metrics
import Synchronization

/// What an emitter has done since it was made. Every attempt to emit is one of `emitted`, `skipped` and `refused`;
/// `emitted` plus `recovered` is `delivered` plus all `failed` plus
/// `outstanding`, but for actions that change sides while the snapshot is taken.
public struct EmitterCounters: Sendable, Hashable {
  /// Accepted.
  public internal(set) var emitted: Int = 0
  /// Found in the spool when the emitter was made: accepted by a process before it.
  public internal(set) var recovered: Int = 0
  /// Acknowledged by Kafka.
  public internal(set) var delivered: Int = 0
  /// Accepted and not delivered, by the name of Kafka's error (`_MSG_TIMED_OUT`, …).
  public internal(set) var failed: [String: Int] = [:]
  /// Not accepted, by ``EmitError/Reason``.
  public internal(set) var refused: [EmitError.Reason: Int] = [:]
  /// Not wanted by anybody, by reason.
  public internal(set) var skipped: [EmitSkip: Int] = [:]
  /// Accepted, outcome still open; with a spool, all that is in it.
  public internal(set) var outstanding: Int = 0

  public var failedInAll: Int { failed.values.reduce(0, +) }
  public var refusedInAll: Int { refused.values.reduce(0, +) }
  public var skippedInAll: Int { skipped.values.reduce(0, +) }
}

/// Counts for the snapshot and for swift-metrics.
final class EmitterTally: Sendable {
  private struct Faults {
    var failed: [String: (count: Int, metric: Counter)] = [:]
    var refused: [EmitError.Reason: (count: Int, metric: Counter)] = [:]
  }

  private let emitted = Atomic<Int>(0)
  private let delivered = Atomic<Int>(0)
  private let emittedMetric: Counter
  private let metrics: any MetricsFactory
  private let faults = Mutex(Faults())

  init(metrics: any MetricsFactory) {
    self.metrics = metrics
    emittedMetric = Counter(label: "strandline_actions_emitted_total", factory: metrics)
  }

  func countEmitted() {
    emitted.add(1, ordering: .relaxed)
    emittedMetric.increment()
  }

  func countDelivered() {
    delivered.add(1, ordering: .relaxed)
  }

  func countFailed(_ name: String) {
    faults.withLock { faults in
      var entry =
        faults.failed[name]
        ?? (0, Counter(label: "strandline_actions_failed_total", dimensions: [("reason", name)], factory: metrics))
      entry.count += 1
      entry.metric.increment()
      faults.failed[name] = entry
    }
  }

  func countRefused(_ reason: EmitError.Reason) {
    faults.withLock { faults in
      var entry =
        faults.refused[reason]
        ?? (
          0,
          Counter(
            label: "strandline_actions_refused_total", dimensions: [("reason", reason.rawValue)], factory: metrics)
        )
      entry.count += 1
      entry.metric.increment()
      faults.refused[reason] = entry
    }
  }

  func snapshot(recovered: Int = 0, outstanding: Int, skips: EventGate.Skips = .init()) -> EmitterCounters {
    let skipped: [EmitSkip: Int] = [.channel: skips.channel, .queue: skips.queue].filter { $0.value > 0 }
    return faults.withLock { faults in
      EmitterCounters(
        emitted: emitted.load(ordering: .relaxed), recovered: recovered, delivered: delivered.load(ordering: .relaxed),
        failed: faults.failed.mapValues(\.count), refused: faults.refused.mapValues(\.count),
        skipped: skipped, outstanding: outstanding)
    }
  }
}
