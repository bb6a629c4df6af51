import CoreMetrics
import Synchronization

/// What a request is for; a metric's label.
enum StoreOperation: String, Sendable {
  case put, read, facts, list, prepare
  case multipartBegin = "multipart_begin"
  case multipartPart = "multipart_part"
  case multipartEnd = "multipart_end"
  case multipartAbort = "multipart_abort"
  case credentials, relist
}

/// How a request ended; a metric's label.
enum RequestOutcome: String, Sendable {
  case ok, redirected, refused, failed
  case noAnswer = "no_answer"

  init(status: Int) {
    switch status {
    case ..<300: self = .ok
    case ..<400: self = .redirected
    case ..<500: self = .refused
    default: self = .failed
    }
  }
}

/// A store's metrics, named as Prometheus has them:
///
/// - `strandline_objectstore_requests_total{store,operation,outcome}`: every request, tries that were repeated included
/// - `strandline_objectstore_retries_total{store,operation,reason}`
/// - `strandline_objectstore_failures_total{store,operation,code}`: what reached the caller as an error
/// - `strandline_objectstore_sent_bytes_total{store}`, `strandline_objectstore_received_bytes_total{store}`: content only
final class StoreMetrics: Sendable {
  private let store: String
  private let factory: any MetricsFactory
  private let counters = Mutex<[String: Counter]>([:])

  /// - Parameter store: `file`, `s3` or `swift`.
  init(store: String, factory: any MetricsFactory) {
    self.store = store
    self.factory = factory
  }

  func countRequest(_ operation: StoreOperation, _ outcome: RequestOutcome) {
    counter("requests", [("operation", operation.rawValue), ("outcome", outcome.rawValue)]).increment()
  }

  func countRetry(_ operation: StoreOperation, reason: String) {
    counter("retries", [("operation", operation.rawValue), ("reason", reason)]).increment()
  }

  func countFailure(_ operation: StoreOperation, _ code: ObjectStoreError.Code) {
    counter("failures", [("operation", operation.rawValue), ("code", code.rawValue)]).increment()
  }

  /// Counts what is done without requests (files) as one request, with its failure.
  func count<Result>(
    _ operation: StoreOperation, _ work: () async throws(ObjectStoreError) -> Result
  ) async throws(ObjectStoreError) -> Result {
    do throws(ObjectStoreError) {
      let result = try await work()
      countRequest(operation, .ok)
      return result
    } catch {
      countRequest(operation, error.isRetriable ? .failed : .refused)
      countFailure(operation, error.code)
      throw error
    }
  }

  func countSent(bytes: Int64) { counter("sent_bytes", []).increment(by: bytes) }
  func countReceived(bytes: Int64) { counter("received_bytes", []).increment(by: bytes) }

  private func counter(_ name: String, _ dimensions: [(String, String)]) -> Counter {
    let key = dimensions.reduce(name) { "\($0) \($1.1)" }
    return counters.withLock { counters in
      if let counter = counters[key] { return counter }
      let counter = Counter(
        label: "strandline_objectstore_\(name)_total", dimensions: [("store", store)] + dimensions, factory: factory)
      counters[key] = counter
      return counter
    }
  }
}
