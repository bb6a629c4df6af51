import Dispatch
import Synchronization

/// Does a piece of work a number of times, and nothing else, so that its instructions can be counted:
///
///     Instructions WORKLOAD COUNT
///
/// Two runs with different counts differ by the work alone; `Benchmarks/Instructions/check` does that.
@main
struct Instructions {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 2, let workload = Workload(rawValue: arguments[0]), let count = Int(arguments[1]) else {
      throw InstructionsFailure("usage: Instructions \(Workload.allCases.map(\.rawValue).joined(separator: "|")) COUNT")
    }
    try blocking {
      switch workload {
      case .page10: try await PageWork.run(limit: 10, count: count, withMarker: false)
      case .page50: try await PageWork.run(limit: 50, count: count, withMarker: false)
      case .follow10: try await PageWork.run(limit: 10, count: count, withMarker: true)
      case .ingest: try IngestWork.run(count: count)
      case .policies: try PoliciesWork.run(count: count)
      case .emit: try await EmitWork.run(count: count)
      case .disabled: try await EmissionWork.runDisabled(count: count)
      case .spool: try await EmissionWork.runSpool(count: count)
      }
    }
  }

  /// Keeps the main thread: an asynchronous `main` gives it to Dispatch, which ends it in a way valgrind does not survive.
  private static func blocking(_ work: @escaping @Sendable () async throws -> Void) throws {
    let outcome = Mutex<Result<Void, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task {
      do {
        try await work()
        outcome.withLock { $0 = .success(()) }
      } catch { outcome.withLock { $0 = .failure(error) } }
      done.signal()
    }
    done.wait()
    try outcome.withLock { try $0?.get() }
  }
}

enum Workload: String, CaseIterable {
  /// A page of ten actions from the head of a queue, over HTTP, and one of fifty.
  case page10, page50
  /// A page of ten actions after a marker.
  case follow10
  /// A hundred records held against the contract and stored, as a batch from Kafka is.
  case ingest
  /// The same while queues have metadata: judged by it, some of the records not wanted.
  case policies
  /// An action validated, given its headers and handed to Kafka's client, which reaches no broker.
  case emit
  /// An event that nobody wants, on a kept queue.
  case disabled
  /// The action of `emit`, put into a spool.
  case spool
}
