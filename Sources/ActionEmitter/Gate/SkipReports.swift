import Synchronization

/// Tells swift-metrics once a second how many events nobody wanted: those who skip them only count.
final class SkipReports: Sendable {
  private static let interval: Duration = .seconds(1)

  private final class Slot: @unchecked Sendable {
    weak var gate: EventGate?
    init(_ gate: EventGate) { self.gate = gate }
  }

  private enum State {
    case idle
    case running(Task<Void, Never>)
    case ended
  }

  private let slot: Slot
  private let state = Mutex(State.idle)

  init(of gate: EventGate) { slot = Slot(gate) }

  /// Begins, where it has not yet.
  func begin() {
    state.withLock { state in
      guard case .idle = state else { return }
      state = .running(
        Task { [slot] in
          while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard let gate = slot.gate else { return }
            _ = gate.skips()
          }
        })
    }
  }

  /// What was counted up to now is told by the next look at the counters.
  func end() {
    state.withLock { state in
      if case .running(let task) = state { task.cancel() }
      state = .ended
    }
  }
}
