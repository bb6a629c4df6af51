import Foundation
import NIOCore

/// How many event loops serve connections.
enum EventLoops {
  /// Who sets this knows better; it is NIO's own.
  private static let variable = "NIO_SINGLETON_GROUP_LOOP_COUNT"

  /// As many as there are cores this process may run on. NIO counts the machine's, or those of its control group; a
  /// process confined to fewer (taskset, a cpuset) would have loops that only take turns. To be called once, before
  /// anything that uses NIO.
  static func fitToCores() {
    guard ProcessInfo.processInfo.environment[variable] == nil else { return }
    NIOSingletons.groupLoopCountSuggestion = max(1, min(System.coreCount, ProcessInfo.processInfo.activeProcessorCount))
  }
}
