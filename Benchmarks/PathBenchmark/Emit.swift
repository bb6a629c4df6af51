import ActionEmitter
import AuditActions
import Logging

/// What is emitted: the bytes `Baseline/common.h` makes.
struct Workload: Sendable {
  static let queueCount = 1_000
  static let bodyCount = 64
  static let bodyBytes = 400
  static let fillingBytes = 8_192

  let queues: [QueueAddress]
  let actions: [RawAction]

  init() throws {
    queues = try (0..<Self.queueCount).map { try QueueAddress(project: "project", queue: "queue-\($0)") }
    var state: UInt64 = 88_172_645_463_325_252
    let digits = Array("0123456789abcdef".utf8)
    let filling = (0..<Self.fillingBytes).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return digits[Int(state & 15)]
    }
    actions = (0..<Self.bodyCount).map { number in
      let padded = String(repeating: "0", count: 10 - String(number).count) + String(number)
      var body = Array("{\"event\":\"ClaimExpired\",\"details\":{\"n\":\"\(padded)\",\"message\":\"".utf8)
      let start = (number * 61) % (Self.fillingBytes - Self.bodyBytes)
      body += filling[start..<(start + Self.bodyBytes - body.count - 3)] + Array("\"}}".utf8)
      return RawAction(body: body)
    }
  }

  func action(_ index: Int) -> RawAction { actions[index % Self.bodyCount] }
  func queue(_ index: Int) -> QueueAddress { queues[index % Self.queueCount] }
}

extension PathBenchmark {
  private static func emitter(_ target: Target, _ logger: Logger) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: target.kafka)
    configuration.topic = target.topic
    return try ActionEmitter(configuration: configuration, logger: logger)
  }

  /// Waits for nothing but room, as the loop in C does.
  static func emit(count: Int, to target: Target, _ logger: Logger) async throws -> Figure {
    let workload = try Workload()
    let figure = Figure()
    let emitter = try emitter(target, logger)
    for index in 0..<count {
      _ = await emitter.emitWhenRoom(raw: workload.action(index), to: workload.queue(index))
    }
    return try await end(emitter, figure, count)
  }

  static func emitAcknowledged(
    count: Int, inFlight: Int, to target: Target, _ logger: Logger
  ) async throws -> Figure {
    let workload = try Workload()
    let figure = Figure()
    let emitter = try emitter(target, logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for first in 0..<inFlight {
        group.addTask {
          for index in stride(from: first, to: count, by: inFlight) {
            try await emitter.emitAcknowledged(raw: workload.action(index), to: workload.queue(index))
          }
        }
      }
      try await group.waitForAll()
    }
    return try await end(emitter, figure, count)
  }

  private static func end(_ emitter: ActionEmitter, _ figure: Figure, _ count: Int) async throws -> Figure {
    let report = await emitter.close(flushTimeout: .seconds(60))
    let figure = figure.ended(count: count)
    guard report.undelivered == 0, report.counters.delivered == UInt64(count) else { throw UndeliveredError() }
    return figure
  }

  private struct UndeliveredError: Error {}
}
