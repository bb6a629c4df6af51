import CoreMetrics
import Synchronization

/// A counter: only goes up. One atomic addition a time.
final class PrometheusCounter: CounterHandler, Sendable {
  private let count = Atomic<UInt64>(0)

  func increment(by amount: Int64) {
    guard amount > 0 else { return }
    count.wrappingAdd(UInt64(amount), ordering: .relaxed)
  }

  func reset() { count.store(0, ordering: .relaxed) }
  var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A counter of fractions, such as seconds spent.
final class PrometheusFractionCounter: FloatingPointCounterHandler, Sendable {
  private let sum = AtomicDouble()

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    sum.add(amount)
  }

  func reset() { sum.store(0) }
  var value: Double { sum.load() }
}

/// A value that goes up and down; what swift-metrics calls a meter or a gauge.
final class PrometheusGauge: MeterHandler, RecorderHandler, Sendable {
  private let current = AtomicDouble()

  func set(_ value: Int64) { current.store(Double(value)) }
  func set(_ value: Double) { current.store(value) }
  func increment(by amount: Double) { current.add(amount) }
  func decrement(by amount: Double) { current.add(-amount) }
  func record(_ value: Int64) { current.store(Double(value)) }
  func record(_ value: Double) { current.store(value) }
  var value: Double { current.load() }
}

/// A double in an atomic word.
struct AtomicDouble: ~Copyable, Sendable {
  private let bits = Atomic<UInt64>(0)

  func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
  func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  func add(_ amount: Double) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let result = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if result.exchanged { return }
      old = result.original
    }
  }
}
