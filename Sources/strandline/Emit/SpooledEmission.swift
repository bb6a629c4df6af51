import ActionEmitter
import AuditActions
import Foundation

/// Puts line after line into the emitter's spool, tells of every one that was refused, and up to which line the spool
/// has them.
///
/// A line that is told as accepted outlives this process and any outage of Kafka: what the spool still holds at the end
/// is published by the next `emit` with the same spool.
struct SpooledEmission {
  let emitter: ActionEmitter
  let asJSON: Bool
  /// How long Kafka has at the end to take what is left.
  let flushTimeout: Duration

  /// - Throws: `WriteFailure`.
  func run(_ input: EmitInput) async throws -> EmitReport {
    var report = EmitReport()
    for await batch in input.batches {
      var lines = batch.refusals.map { ($0.number, $0.error.code.rawValue, $0.error.detail) }
      report.refused += batch.refusals.count
      for entry in batch.entries {
        if let error = emitter.emit(raw: entry.line.action, to: entry.line.queue).refusal {
          report.failed += 1
          lines.append((entry.number, error.name, error.description))
        } else {
          report.emitted += 1
        }
      }
      report.bytes += batch.bytes
      for line in lines.sorted(by: { $0.0 < $1.0 }) { try tell(line) }
      let last = [batch.entries.last?.number, batch.refusals.last?.number].compactMap { $0 }.max()
      if let last { try tell(acceptedThrough: last) }
      input.done()
    }
    return report
  }

  /// Publishes what Kafka takes in time and says what stays.
  func end(_ report: EmitReport) async throws {
    let close = await emitter.close(flushTimeout: flushTimeout)
    if asJSON {
      var output = FileWriter.output
      try output.line(
        .object([
          ("accepted", .integer(report.emitted)), ("refused", .integer(report.refused)),
          ("failed", .integer(report.failed)), ("published", .integer(close.counters.delivered)),
          ("spooled", .integer(close.spooled)),
        ]))
      try output.flush()
    } else {
      try say(
        "\(report.emitted) accepted, \(report.refused) refused, \(report.failed) failed; "
          + "\(close.counters.delivered) published, \(close.spooled) stay in the spool")
    }
  }

  private func tell(_ line: (number: Int, code: String, detail: String)) throws(WriteFailure) {
    if asJSON {
      var output = FileWriter.output
      try output.line(
        .object([("line", .integer(line.number)), ("error", .string(line.code)), ("detail", .string(line.detail))]))
      try output.flush()
    } else {
      try say("line \(line.number): \(line.code): \(line.detail)")
    }
  }

  private func tell(acceptedThrough line: Int) throws(WriteFailure) {
    guard asJSON else { return }
    var output = FileWriter.output
    try output.line(.object([("acceptedThrough", .integer(line))]))
    try output.flush()
  }

  private func say(_ text: String) throws(WriteFailure) {
    try FileWriter.write(Array((text + "\n").utf8), to: STDERR_FILENO)
  }
}
