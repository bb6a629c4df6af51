import ActionEmitter
import AuditActions
import Foundation

/// Sends batch after batch and tells of every line that did not get through.
struct LineEmission {
  let emitter: ActionEmitter
  let asJSON: Bool
  /// A line on standard error that is written over again and again.
  let showsProgress: Bool

  /// - Throws: `WriteFailure`.
  func run(_ input: EmitInput) async throws -> EmitReport {
    var report = EmitReport()
    let start = ContinuousClock.now
    for await batch in input.batches {
      for refusal in batch.refusals {
        report.refused += 1
        try tell(line: refusal.number, code: refusal.error.code.rawValue, refusal.error.detail, mayBeWritten: false)
      }
      let undelivered = await send(batch.byQueue)
      let failures = undelivered.filter { $0.1.reason != .notWanted }
      let skipped = undelivered.count - failures.count
      let refused = failures.count { $0.1.breaksContract }
      report.failed += failures.count - refused
      report.refused += refused
      report.skipped += skipped
      report.emitted += batch.entries.count - undelivered.count
      report.bytes += batch.bytes
      for (number, error) in failures {
        try tell(line: number, code: error.name, error.message, mayBeWritten: error.mayHaveBeenWritten)
      }
      if showsProgress { try progress(report, since: start) }
      // When nothing of a whole batch gets through, the rest will not either; going on would only take long.
      if !failures.isEmpty, failures.count == batch.entries.count - skipped, failures.allSatisfy({ $0.1.isRetriable }) {
        input.stop()
        let last = batch.entries.last?.number ?? 0
        try say("Kafka takes nothing: stopped after line \(last), what follows it was not sent")
        break
      }
      input.done()
    }
    if showsProgress { try FileWriter.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if asJSON {
      var output = FileWriter.output
      try output.line(report.json(seconds: seconds))
      try output.flush()
    } else {
      try say(report.text(seconds: seconds))
    }
    return report
  }

  /// Sends the lines of each queue in their order.
  /// - Returns: those that did not get through.
  private func send(
    _ queues: [(queue: QueueAddress, entries: [EmitBatch.Entry])]
  ) async -> [(Int, EmitError)] {
    let emitter = emitter
    return await withTaskGroup(of: [(Int, EmitError)].self) { group in
      for (queue, entries) in queues {
        group.addTask {
          let outcomes = await emitter.emitAcknowledged(raw: entries.map(\.line.action), to: queue)
          return zip(entries, outcomes).compactMap { entry, outcome in
            if case .failure(let error) = outcome { (entry.number, error) } else { nil }
          }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }.sorted { $0.0 < $1.0 }
    }
  }

  private func tell(line: Int, code: String, _ message: String, mayBeWritten: Bool) throws(WriteFailure) {
    if asJSON {
      var output = FileWriter.output
      try output.line(
        .object([
          ("line", .integer(line)), ("error", .string(code)), ("detail", .string(message)),
          ("mayHaveBeenWritten", .bool(mayBeWritten)),
        ]))
      try output.flush()
    } else {
      try say("line \(line): \(code): \(message)" + (mayBeWritten ? " (Kafka may have it all the same)" : ""))
    }
  }

  private func progress(_ report: EmitReport, since start: ContinuousClock.Instant) throws(WriteFailure) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try FileWriter.write(Array("\r\u{1B}[K\(report.text(seconds: seconds))".utf8), to: STDERR_FILENO)
  }

  private func say(_ text: String) throws(WriteFailure) {
    try FileWriter.write(Array(((showsProgress ? "\r\u{1B}[K" : "") + text + "\n").utf8), to: STDERR_FILENO)
  }
}

extension EmitError {
  /// Whether the line is at fault: sent again, it would be refused again.
  fileprivate var breaksContract: Bool {
    switch reason {
    case .tooLarge, .invalidAction, .unknownEvent: true
    default: false
    }
  }
}
