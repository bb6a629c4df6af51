import ActionEmitter
import AuditActions
import Foundation

/// Puts line after line into the emitter's spool, tells of every one that was refused, and up to which line the spool
/// has them.
///
/// A line that is told as accepted outlives this process and any outage of Kafka: what the spool still holds at the end
/// is published by the next `emit` with the same spool. A line that the spool does not take ends the run: what follows
/// it is not taken either, so that whoever goes on behind the last line told loses nothing and repeats nothing.
struct SpooledEmission {
  /// Lines after which it is told again that the spool has them.
  private static let toldLines = 1_000

  let emitter: ActionEmitter
  let asJSON: Bool
  /// How long Kafka has to make room in a full spool, and at the end to take what is left.
  let timeout: Duration

  /// - Throws: `WriteFailure`.
  func run(_ input: EmitInput) async throws -> EmitReport {
    var report = EmitReport()
    for await batch in input.batches {
      report.bytes += batch.bytes
      var refusals = batch.refusals[...]
      func tellRefusals(before line: Int) throws(WriteFailure) {
        while let refusal = refusals.first, refusal.number < line {
          refusals.removeFirst()
          report.refused += 1
          try tell((refusal.number, refusal.error.code.rawValue, refusal.error.detail))
        }
      }
      for (index, entry) in batch.entries.enumerated() {
        try tellRefusals(before: entry.number)
        let outcome = await emitter.emitWhenRoom(raw: entry.line.action, to: entry.line.queue, within: timeout)
        if let error = outcome.refusal {
          let line = (entry.number, error.name, error.description)
          guard error.invalid != nil else {
            report.failed += batch.entries.count - index
            report.isSpoolFull = error.reason == .spoolFull
            try tell(line)
            try tell(acceptedThrough: entry.number - 1)
            try say("stopped: the spool has neither line \(entry.number) nor what follows it")
            input.stop()
            return report
          }
          report.refused += 1
          try tell(line)
        } else if outcome.isAccepted {
          report.emitted += 1
        } else {
          report.skipped += 1
        }
        if index % Self.toldLines == Self.toldLines - 1 { try tell(acceptedThrough: entry.number) }
      }
      try tellRefusals(before: .max)
      let last = [batch.entries.last?.number, batch.refusals.last?.number].compactMap { $0 }.max()
      if let last { try tell(acceptedThrough: last) }
      input.done()
    }
    return report
  }

  /// Publishes what Kafka takes in time and says what stays.
  func end(_ report: EmitReport, publishes: Bool = true) async throws {
    // Where Kafka took nothing for all that time, it need not be waited for once more.
    let flush = !publishes ? .zero : report.isSpoolFull ? min(timeout, .seconds(1)) : timeout
    let close = await emitter.close(flushTimeout: flush)
    if asJSON {
      var output = FileWriter.output
      try output.line(
        .object([
          ("accepted", .integer(report.emitted)), ("skipped", .integer(report.skipped)),
          ("refused", .integer(report.refused)),
          ("failed", .integer(report.failed)), ("published", .integer(close.counters.delivered)),
          ("spooled", .integer(close.spooled)),
        ]))
      try output.flush()
    } else {
      try say(
        "\(report.emitted) accepted, " + (report.skipped > 0 ? "\(report.skipped) skipped, " : "")
          + "\(report.refused) refused, \(report.failed) failed; "
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
    guard asJSON, line > 0 else { return }
    var output = FileWriter.output
    try output.line(.object([("acceptedThrough", .integer(line))]))
    try output.flush()
  }

  private func say(_ text: String) throws(WriteFailure) {
    try FileWriter.write(Array((text + "\n").utf8), to: STDERR_FILENO)
  }
}
