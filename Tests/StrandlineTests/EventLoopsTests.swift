import Foundation
import Testing

@testable import strandline

struct EventLoopsTests {
  @Test("A thread confined to one core counts one, however many the machine has")
  func countsUsableCores() async throws {
    let counted = await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: Result { try Self.countConfined() }) }
    }
    #expect(try counted.get() == 1)
    #expect(EventLoops.usableCores() >= 1)
  }

  /// By what `taskset` of util-linux does to the calling thread, which is not used for anything else.
  private static func countConfined() throws -> Int {
    let thread = try #require(
      FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self").split(separator: "/").last)
    let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
    let allowed = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
    let core = try #require(allowed.split(separator: "\t").last?.prefix { $0.isNumber })
    let taskset = Process()
    taskset.executableURL = URL(filePath: "/usr/bin/taskset")
    taskset.arguments = ["--pid", "--cpu-list", String(core), String(thread)]
    taskset.standardOutput = FileHandle.nullDevice
    try taskset.run()
    taskset.waitUntilExit()
    try #require(taskset.terminationStatus == 0)
    return EventLoops.usableCores()
  }
}
