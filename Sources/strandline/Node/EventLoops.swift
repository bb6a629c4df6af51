import Cprocessor
import Foundation
import NIOCore

/// How many event loops serve connections.
enum EventLoops {
  /// Who sets this knows better; it is NIO's own.
  private static let variable = "NIO_SINGLETON_GROUP_LOOP_COUNT"

  /// As many as there are cores this process may run on; more would only take turns. To be called once, before
  /// anything that uses NIO.
  static func fitToCores() {
    guard ProcessInfo.processInfo.environment[variable] == nil else { return }
    NIOSingletons.groupLoopCountSuggestion = usableCores()
  }

  /// Cores the calling thread may run on. NIO counts the machine's or those of its control group, and Foundation the
  /// machine's: neither knows of `taskset` or systemd's `CPUAffinity`.
  static func usableCores() -> Int {
    let allowed = Int(processor_usable_cores())
    return max(1, allowed > 0 ? min(System.coreCount, allowed) : System.coreCount)
  }
}
