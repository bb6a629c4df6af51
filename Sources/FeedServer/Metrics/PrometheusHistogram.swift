import CoreMetrics
import Synchronization

/// A histogram with fixed bounds. An observation is one search, and two atomic additions.
///
/// Timers give nanoseconds and are shown in seconds, Prometheus's base unit; recorders are shown as they are.
final class PrometheusHistogram: TimerHandler, RecorderHandler, Sendable {
  /// From half a millisecond to ten seconds: requests, batches, syncs.
  static let secondsBounds: [Double] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  /// Powers of four: sizes and counts.
  static let countBounds: [Double] = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576]

  let bounds: [Double]
  private let sum = AtomicDouble()
  /// One for each bound and one for what is above them all; not cumulative.
  private let counts: AtomicCounts

  init(bounds: [Double]) {
    self.bounds = bounds
    counts = AtomicCounts(count: bounds.count + 1)
  }

  func recordNanoseconds(_ duration: Int64) { observe(Double(max(0, duration)) / 1_000_000_000) }
  func record(_ value: Int64) { observe(Double(value)) }
  func record(_ value: Double) { observe(value) }

  func observe(_ value: Double) {
    guard value.isFinite else { return }
    counts.increment(bounds.firstIndex { value <= $0 } ?? bounds.count)
    sum.add(value)
  }

  /// Cumulative counts by bound, the last one all observations; and their sum.
  func snapshot() -> (cumulative: [UInt64], sum: Double) {
    var total: UInt64 = 0
    let cumulative = (0...bounds.count).map { index in
      total &+= counts.load(index)
      return total
    }
    return (cumulative, sum.load())
  }
}

/// A row of atomic counters of a length known at run time.
private final class AtomicCounts: Sendable {
  // Written through atomics only, and freed by the last owner.
  private nonisolated(unsafe) let words: UnsafeMutableBufferPointer<Atomic<UInt64>>

  init(count: Int) {
    words = .allocate(capacity: count)
    for index in 0..<count { words.initializeElement(at: index, to: Atomic(0)) }
  }

  deinit {
    words.deinitialize()
    words.deallocate()
  }

  func increment(_ index: Int) { words[index].wrappingAdd(1, ordering: .relaxed) }
  func load(_ index: Int) -> UInt64 { words[index].load(ordering: .relaxed) }
}
