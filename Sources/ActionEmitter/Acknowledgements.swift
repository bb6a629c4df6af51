import Synchronization

/// The results of a batch of acknowledged emits, gathered as Kafka reports them.
typealias Acknowledgements = Awaited<EmittedPosition>

/// A wait that ends at a deadline.
protocol DeadlineWait: AnyObject, Sendable {
  var isComplete: Bool { get }
  func giveUp(_ error: EmitError)
}

/// Results that somebody waits for, gathered in any order.
final class Awaited<Value: Sendable>: DeadlineWait {
  typealias Outcome = Result<Value, EmitError>

  private struct State {
    var outcomes: [Outcome?]
    var missing: Int
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state: Mutex<State>

  init(count: Int) {
    state = Mutex(State(outcomes: Array(repeating: nil, count: count), missing: count))
  }

  /// Notes one result; the first for an index counts.
  func complete(_ index: Int, _ outcome: Outcome) {
    let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
      guard state.outcomes.indices.contains(index), state.outcomes[index] == nil else { return nil }
      state.outcomes[index] = outcome
      state.missing -= 1
      guard state.missing == 0 else { return nil }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Ends the wait: what has no result yet gets `error`.
  func giveUp(_ error: EmitError) {
    let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
      state.outcomes = state.outcomes.map { $0 ?? .failure(error) }
      state.missing = 0
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  var isComplete: Bool { state.withLock { $0.missing == 0 } }

  /// Waits for all results, for the deadline, or for the task to be cancelled, whichever comes first.
  func outcomes(within deadlines: AcknowledgementDeadlines) async -> [Outcome] {
    if !isComplete {
      deadlines.watch(self)
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isComplete = state.withLock { state in
            if state.missing > 0 { state.waiter = continuation }
            return state.missing == 0
          }
          if isComplete { continuation.resume() }
        }
      } onCancel: {
        giveUp(.cancelled)
      }
    }
    return state.withLock { $0.outcomes.map { $0 ?? .failure(.notAcknowledged) } }
  }
}
