import ActionArchive
import Foundation
import Synchronization

/// What `verify` shows: findings and the end on standard output, a bar on standard error where that is a terminal.
final class VerifyScreen: Sendable {
  /// Between two drawings of the bar.
  private static let pause: Duration = .milliseconds(100)
  private static let width = 30

  private struct State {
    var output = FileWriter.output
    var nextDrawing = ContinuousClock.now
    var isDrawn = false
  }

  private let asJSON: Bool
  private let colour: Colour
  private let hasBar = Terminal.errorIsTerminal
  private let state = Mutex(State())

  init(asJSON: Bool, colour: Colour) {
    self.asJSON = asJSON
    self.colour = colour
  }

  func show(_ finding: ArchiveFinding) {
    state.withLock { state in
      clear(&state)
      if asJSON {
        try? state.output.line(
          .object([
            ("finding", .string(finding.kind.rawValue)), ("key", .string(finding.key)),
            ("detail", .string(finding.detail)),
          ]))
      } else {
        try? state.output.line(
          "\(colour.red(finding.kind.rawValue))  \(Terminal.harmless(finding.key)): \(Terminal.harmless(finding.detail))"
        )
      }
      try? state.output.flush()
    }
  }

  func show(_ progress: VerificationProgress) {
    guard hasBar else { return }
    state.withLock { state in
      guard .now >= state.nextDrawing else { return }
      state.nextDrawing = .now + Self.pause
      state.isDrawn = true
      try? FileWriter.write(Array(("\r\u{1B}[K" + Self.bar(progress)).utf8), to: STDERR_FILENO)
    }
  }

  static func bar(_ progress: VerificationProgress) -> String {
    let share = progress.totalBytes > 0 ? min(1, Double(progress.bytes) / Double(progress.totalBytes)) : 1
    let filled = Int(share * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let findings = progress.findings == 0 ? "" : ", \(progress.findings) findings"
    return "\(bar) \(Int(share * 100)) %, \(progress.bytes >> 20) of \(progress.totalBytes >> 20) MiB\(findings)"
  }

  /// Takes the bar away.
  func end() { state.withLock { clear(&$0) } }

  private func clear(_ state: inout State) {
    guard state.isDrawn else { return }
    state.isDrawn = false
    try? FileWriter.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
  }

  func show(_ report: VerificationReport) throws(WriteFailure) {
    var output = FileWriter.output
    if asJSON { try output.line(Self.json(report)) } else { try output.line(text(report)) }
    try output.flush()
  }

  private func text(_ report: VerificationReport) -> String {
    var lines = report.heads.map { head in
      "partition \(head.partition) of \(Terminal.harmless(head.topic)): complete through "
        + "\(ArchiveTime.text(head.completeThroughMilliseconds)) and offset \(head.nextOffset - 1); manifest \(head.sequence), "
        + "sha256 \(head.sha256)"
    }
    if report.unsealedObjects > 0 {
      lines.append("\(report.unsealedObjects) objects are of periods that are still open: in no manifest yet")
    }
    for key in report.unfinishedCuts { lines.append("\(key): its objects are not there yet; the archiver makes them") }
    if report.uncheckedSignatures > 0 {
      lines.append(
        "\(report.uncheckedSignatures) manifests were not held against a signature; give --public-key to have them")
    }
    if report.provedActions > 0 {
      let unchecked = report.uncheckedSourceSignatures
      lines.append(
        "\(report.provedActions) actions were held against checksums or signatures of their own"
          + (unchecked > 0 ? "; \(unchecked) signatures are of sources without a key, see --source-keys" : ""))
    }
    if report.lostOffsets > 0 { lines.append("\(report.lostOffsets) offsets are stated to be lost by the topic") }
    let verdict = report.isClean ? colour.green("nothing is wrong") : colour.red("\(report.findings) findings")
    lines.append(
      "\(verdict): \(report.manifests) manifests, \(report.objects) objects, \(report.actions) actions, "
        + "\(report.rejected) rejected, \(report.bytes) bytes")
    return lines.joined(separator: "\n")
  }

  private static func json(_ report: VerificationReport) -> JSONValue {
    .object([
      ("clean", .bool(report.isClean)), ("findings", .integer(report.findings)),
      ("manifests", .integer(report.manifests)), ("objects", .integer(report.objects)),
      ("actions", .integer(report.actions)), ("rejected", .integer(report.rejected)),
      ("provedActions", .integer(report.provedActions)),
      ("uncheckedSourceSignatures", .integer(report.uncheckedSourceSignatures)),
      ("lostOffsets", .integer(report.lostOffsets)), ("bytes", .integer(report.bytes)),
      ("unsealedObjects", .integer(report.unsealedObjects)),
      ("uncheckedSignatures", .integer(report.uncheckedSignatures)),
      ("unfinishedCuts", .array(report.unfinishedCuts.map { .string($0) })),
      (
        "heads",
        .array(
          report.heads.map { head in
            .object([
              ("topic", .string(head.topic)), ("partition", .integer(Int64(head.partition))),
              ("manifest", .integer(head.sequence)), ("sha256", .string(head.sha256)),
              ("nextOffset", .integer(head.nextOffset)),
              ("completeThrough", .string(ArchiveTime.text(head.completeThroughMilliseconds))),
            ])
          })
      ),
    ])
  }
}
