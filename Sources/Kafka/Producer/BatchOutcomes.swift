import Synchronization

/// Gathers the outcomes of records sent together and hands them on when the last one is known.
final class BatchOutcomes: Sendable {
  private struct State {
    var outcomes: [Result<RecordPosition, KafkaError>?]
    var missing: Int
  }

  private let state: Mutex<State>
  private let whenAllKnown: @Sendable ([Result<RecordPosition, KafkaError>]) -> Void

  init(count: Int, whenAllKnown: @escaping @Sendable ([Result<RecordPosition, KafkaError>]) -> Void) {
    state = Mutex(State(outcomes: Array(repeating: nil, count: count), missing: count))
    self.whenAllKnown = whenAllKnown
  }

  func set(_ outcome: Result<RecordPosition, KafkaError>, at index: Int) {
    let all = state.withLock { state -> [Result<RecordPosition, KafkaError>]? in
      state.outcomes[index] = outcome
      state.missing -= 1
      return state.missing == 0 ? state.outcomes.compactMap { $0 } : nil
    }
    if let all { whenAllKnown(all) }
  }
}
