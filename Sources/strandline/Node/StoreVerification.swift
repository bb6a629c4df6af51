import ActionStore
import Dispatch
import Kafka
import ServiceLifecycle
import Synchronization

/// Reads, in the background, what the store took over unread when it was opened, so that damage is noticed even where
/// nobody reads.
struct StoreVerification: Service {
  /// Bytes a second: little beside what a disk gives, and 16 GiB in two minutes and a half.
  static let bytesPerSecond = 128 << 20
  /// Before it begins: the first requests have the disk to themselves.
  static let pause = Duration.seconds(5)

  let store: ActionStore

  func run() async throws {
    let stop = Stop()
    let thread = DedicatedThread(name: "store-check") { [store] in
      guard !stop.wait(Self.pause) else { return }
      var due = ContinuousClock.now
      store.verify { bytes in
        due = max(due, .now - .milliseconds(100)) + .seconds(1) * (Double(bytes) / Double(Self.bytesPerSecond))
        // Not for each of many small pieces.
        return due - .now > .milliseconds(10) ? !stop.wait(due - .now) : !stop.isStopped
      }
    }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await thread.join()
        try? await gracefulShutdown()
      } onGracefulShutdown: {
        stop.stop()
      }
    } onCancel: {
      stop.stop()
    }
  }

  /// Ends the thread's waits.
  private final class Stop: Sendable {
    private let state = Atomic(false)
    private let signal = DispatchSemaphore(value: 0)

    var isStopped: Bool { state.load(ordering: .acquiring) }

    func stop() {
      state.store(true, ordering: .releasing)
      signal.signal()
    }

    /// Blocks for the time given, or until `stop`; whether it was stopped.
    func wait(_ time: Duration) -> Bool {
      if !isStopped { _ = signal.wait(timeout: .now() + .milliseconds(Int(time / .milliseconds(1)))) }
      return isStopped
    }
  }
}
