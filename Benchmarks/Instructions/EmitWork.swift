import ActionEmitter
import AuditActions
import Logging

/// Emits without a broker: the records stay in the client's queue, which has room for all of them.
enum EmitWork {
  static func run(count: Int) async throws {
    var logger = Logger(label: "instructions")
    logger.logLevel = .critical
    var configuration = ActionEmitterConfiguration(bootstrapServers: "127.0.0.1:1")
    configuration.outstandingActionsMax = count + 1
    let emitter = try ActionEmitter(configuration: configuration, logger: logger)
    let queue = try QueueAddress(project: "bench", queue: "queue-7")
    let action = RawAction(body: PageWork.body)
    for _ in 0..<count {
      if case .refused(let error) = emitter.emit(raw: action, to: queue) { throw error }
    }
    await emitter.close(flushTimeout: .zero)
  }
}
