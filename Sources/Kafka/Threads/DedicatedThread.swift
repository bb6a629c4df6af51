import Foundation

/// A thread of its own for a loop that blocks: C calls that wait must never run on Swift's cooperative pool, whose
/// few threads everybody else's tasks need.
public final class DedicatedThread: Sendable {
  private let ended = Latch()

  /// Starts the thread at once.
  ///
  /// - Parameters:
  ///   - name: seen in debuggers and `top -H`; Linux shows its first 15 characters
  ///   - body: the thread's whole life
  public init(name: String, _ body: @escaping @Sendable () -> Void) {
    let ended = ended
    let thread = Thread {
      // Set from within: Foundation gives the name to the system only once the thread runs.
      Thread.current.name = String(name.prefix(15))
      body()
      ended.open()
    }
    thread.start()
  }

  /// Suspends until the body has returned.
  public func join() async {
    _ = await ended.opened()
  }

  /// Suspends until the body has returned or the time has passed; returns whether the body has returned.
  public func join(timeout: Duration) async -> Bool {
    await ended.opened(within: timeout)
  }

  /// Blocks the calling thread, which must not be one of the cooperative pool, until the body has returned or the
  /// time has passed; returns whether the body has returned.
  public func wait(timeout: Duration) -> Bool {
    ended.wait(timeout: timeout)
  }
}

/// Runs a blocking piece of work on a thread of its own and returns what it returned.
///
/// The work is not interrupted when the calling task is cancelled: what it calls must be bounded in time by itself.
public func runOnOwnThread<Success: Sendable, Failure: Error>(
  name: String, _ body: @escaping @Sendable () throws(Failure) -> Success
) async throws(Failure) -> Success {
  let result: Result<Success, Failure> = await withCheckedContinuation { continuation in
    _ = DedicatedThread(name: name) {
      let result: Result<Success, Failure>
      do throws(Failure) {
        result = .success(try body())
      } catch {
        result = .failure(error)
      }
      continuation.resume(returning: result)
    }
  }
  return try result.get()
}
