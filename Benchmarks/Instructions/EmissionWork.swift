import ActionEmitter
import AuditActions
import Foundation
import Logging

/// What a worker pays for an event that nobody wants, and for one that goes to the spool.
enum EmissionWork {
  /// A kept queue, its details in a closure, no channel that has the event.
  static func runDisabled(count: Int) async throws {
    let emitter = try emitter { $0.channels = try ChannelSet([Channel("other", events: [.messageDeleted])]) }
    let queue = emitter.queue(try QueueAddress(project: "bench", queue: "queue-7"))
    emitCountedDisabled(to: queue, count: count)
    let skipped = await emitter.close(flushTimeout: .zero).counters.skippedInAll
    guard skipped == count else { throw InstructionsFailure("\(skipped) of \(count) events were skipped") }
  }

  /// The bodies of `emit`, put into a spool.
  static func runSpool(count: Int) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("instructions-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let emitter = try emitter { configuration in
      var spool = SpoolConfiguration(directory: folder.path)
      spool.filesMax = 2
      spool.fileBytes = 16 << 20
      configuration.spool = spool
    }
    let queue = try QueueAddress(project: "bench", queue: "queue-7")
    try emitCountedSpool(RawAction(body: PageWork.body), to: queue, by: emitter, count: count)
    await emitter.close(flushTimeout: .zero)
  }

  private static func emitter(_ change: (inout ActionEmitterConfiguration) throws -> Void) throws -> ActionEmitter {
    var logger = Logger(label: "instructions")
    logger.logLevel = .critical
    var configuration = ActionEmitterConfiguration(bootstrapServers: "127.0.0.1:1")
    try change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: logger)
  }

  // Counted by their names, as that of `EmitWork`.

  @inline(never)
  private static func emitCountedDisabled(to queue: AuditedQueue, count: Int) {
    for number in 0..<count { queue.emit(.claimExpired) { ["n": .integer(number)] } }
  }

  @inline(never)
  private static func emitCountedSpool(
    _ action: RawAction, to queue: QueueAddress, by emitter: ActionEmitter, count: Int
  ) throws {
    for _ in 0..<count {
      if case .refused(let error) = emitter.emit(raw: action, to: queue) { throw error }
    }
  }
}
