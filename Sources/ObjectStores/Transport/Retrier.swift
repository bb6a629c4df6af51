import Logging

/// Repeats what failed and may pass, with waits that double and are drawn at random below that bound ("full jitter":
/// many clients of a store that came back do not return at the same moment).
struct Retrier: Sendable {
  let limits: ObjectStoreLimits
  let clock: StoreClock
  let metrics: StoreMetrics
  let logger: Logger
  /// 0 to 1; a test's own.
  var random: @Sendable () -> Double = { Double.random(in: 0...1) }

  func run<Result: Sendable>(
    _ operation: StoreOperation,
    _ attempt: @Sendable (_ number: Int) async throws(AttemptFailure) -> Result
  ) async throws(ObjectStoreError) -> Result {
    var number = 1
    while true {
      do throws(AttemptFailure) {
        return try await attempt(number)
      } catch {
        try await wait(after: error, attempt: number, operation)
        number += 1
      }
    }
  }

  /// Returns when the next try is due.
  /// - Throws: The failure's error when there is to be none.
  func wait(after failure: AttemptFailure, attempt: Int, _ operation: StoreOperation) async throws(ObjectStoreError) {
    guard let delay = delay(after: failure, attempt: attempt) else {
      metrics.countFailure(operation, failure.error.code)
      throw attempt == 1 ? failure.error : failure.error.after(attempts: attempt)
    }
    metrics.countRetry(operation, reason: failure.reason)
    logger.debug(
      "trying again",
      metadata: [
        "operation": "\(operation.rawValue)", "attempt": "\(attempt)", "wait": "\(delay)", "error": "\(failure.error)",
      ])
    do {
      try Task.checkCancellation()
      if failure.next != .tryNow { try await clock.sleep(delay) }
    } catch {
      throw ObjectStoreError(
        .unavailable, "cancelled while waiting to try again; before: \(failure.error.detail)", isRetriable: true)
    }
  }

  private func delay(after failure: AttemptFailure, attempt: Int) -> Duration? {
    guard attempt < limits.attemptsMax else { return nil }
    switch failure.next {
    case .giveUp: return nil
    case .tryNow: return .zero
    case .tryAgain: return .milliseconds(Int64(Double(bound(attempt)) * random()))
    case .tryAfter(let wanted):
      guard wanted <= .seconds(limits.retryAfterMaxSeconds) else { return nil }
      // Never earlier than asked for, and not all clients at the same moment.
      return wanted + .milliseconds(Int64(Double(bound(attempt)) * random()))
    }
  }

  private func bound(_ attempt: Int) -> Int {
    let doubled = limits.backoffStartMilliseconds.multipliedReportingOverflow(by: 1 << min(attempt - 1, 20))
    return doubled.overflow ? limits.backoffMaxMilliseconds : min(doubled.partialValue, limits.backoffMaxMilliseconds)
  }
}

extension ObjectStoreError {
  func after(attempts: Int) -> ObjectStoreError {
    ObjectStoreError(code, "\(detail) (\(attempts) tries)", isRetriable: isRetriable)
  }
}
