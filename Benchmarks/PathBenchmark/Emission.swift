import ActionEmitter
import AuditActions
import Logging

extension PathBenchmark {
  /// Events that nobody wants, on a kept queue, their details in a closure.
  static func skip(count: Int, _ logger: Logger) async throws -> Figure {
    var configuration = ActionEmitterConfiguration(bootstrapServers: "127.0.0.1:1")
    configuration.channels = try ChannelSet([Channel("other", events: [.messageDeleted])])
    let emitter = try ActionEmitter(configuration: configuration, logger: logger)
    let queue = emitter.queue(try QueueAddress(project: "project", queue: "queue-7"))
    let figure = Figure()
    for number in 0..<count { queue.emit(.claimExpired) { ["n": .integer(number)] } }
    let ended = figure.ended(count: count)
    let skipped = await emitter.close(flushTimeout: .zero).counters.skippedInAll
    guard skipped == count else { throw UnexpectedOutcome() }
    return ended
  }

  /// Events that are wanted, on kept queues, their details made in a closure; waits for nothing but room.
  static func lazy(count: Int, to target: Target, _ logger: Logger) async throws -> Figure {
    let queues = try (0..<1_000).map { try QueueAddress(project: "project", queue: "queue-\($0)") }
    // With what an action has besides its details the body is about as long as the 400 bytes of the loop in C.
    let filling = String(repeating: "5f3c9a", count: 40)
    let figure = Figure()
    var configuration = ActionEmitterConfiguration(kafka: target.kafka)
    configuration.topic = target.topic
    configuration.channels = try ChannelSet([Channel("claims", events: [.claimExpired])])
    let emitter = try ActionEmitter(configuration: configuration, logger: logger)
    let kept = queues.map { emitter.queue($0) }
    for number in 0..<count {
      await kept[number % kept.count].emitWhenRoom(.claimExpired) {
        ["n": .integer(1_000_000_000 + number), "message": .string(filling)]
      }
    }
    let report = await emitter.close(flushTimeout: .seconds(60))
    guard report.undelivered == 0, report.counters.delivered == count else { throw UnexpectedOutcome() }
    return figure.ended(count: count)
  }

  /// Actions put into a spool, with Kafka away: from the first to the last that is accepted.
  static func spool(count: Int, in directory: String, _ logger: Logger) async throws -> Figure {
    let workload = try Workload()
    var configuration = ActionEmitterConfiguration(bootstrapServers: "127.0.0.1:1")
    var spool = SpoolConfiguration(directory: directory)
    spool.filesMax = 10
    spool.fileBytes = min(max(524_288, count * 128), 268_435_456)
    configuration.spool = spool
    let emitter = try ActionEmitter(configuration: configuration, logger: logger)
    let figure = Figure()
    for index in 0..<count {
      guard emitter.emit(raw: workload.action(index), to: workload.queue(index)).isAccepted else {
        throw UnexpectedOutcome()
      }
    }
    let ended = figure.ended(count: count)
    await emitter.close(flushTimeout: .zero)
    return ended
  }

  private struct UnexpectedOutcome: Error {}
}
