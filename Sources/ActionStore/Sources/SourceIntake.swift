package import AuditActions

/// The numbers of one batch on their way into the store: judged against what came before and within the batch, and
/// visible to others only once the batch is stored.
///
/// A value: the same intake may be stored again after a failure.
package struct SourceIntake {
  package enum Verdict: Sendable, Equatable {
    /// The number had not come before.
    case new
    /// It had: the record is a repetition.
    case duplicate
    /// It had, and the record that came then was another one.
    case conflict
    /// The number is below those that are known singly.
    case forgotten
  }

  private let ledger: SourceLedger
  private let rereadBelow: [Int32: Int64]
  private let now: Int64
  private(set) var logs: [SourceLogKey: SourceLog] = [:]
  /// What each log received in this batch, with where the first of it stood.
  private(set) var received: [SourceLogKey: Received] = [:]

  struct Received {
    var numbers = SequenceRanges()
    var partition: Int32
    var offset: Int64
  }

  init(ledger: SourceLedger, now: Int64) {
    self.ledger = ledger
    self.now = now
    rereadBelow = ledger.rereadBelow
  }

  /// - Parameters:
  ///   - contents: of the record's key and value, to know it again by.
  ///   - offset: at or beyond the partition's next one.
  package mutating func judge(
    _ origin: ActionOrigin, project: String, contents: RecordContents, partition: Int32, offset: Int64
  ) -> Verdict {
    let key = SourceLogKey(project: project, source: origin.source, log: origin.log)
    // Taken out, not copied: the ranges are changed in place.
    var log = logs.removeValue(forKey: key) ?? ledger.log(key) ?? SourceLog(now: now)
    defer { logs[key] = log }
    let isReread = offset < rereadBelow[partition] ?? .min
    if isReread ? log.reread.contains(origin.sequence) : log.received.contains(origin.sequence) {
      if !isReread, origin.sequence < log.forgottenBelow { return .forgotten }
      if let known = log.recent.checksum(of: origin.sequence), known != contents.value { return .conflict }
      log.duplicates += 1
      return .duplicate
    }
    if isReread { log.reread.insert(origin.sequence) }
    log.recent.note(contents.value, of: origin.sequence)
    log.receive(origin.sequence...origin.sequence, now: now)
    received[key, default: Received(partition: partition, offset: offset)].numbers.insert(origin.sequence)
    return .new
  }
}

/// CRC-32C of a record's key and value, wherever it stands in the topic.
package struct RecordContents: Sendable, Equatable {
  let value: UInt32

  package init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    var crc = CRC32C()
    crc.update(key)
    crc.update(value)
    self.value = crc.value
  }
}

/// What one batch received of a log, as a record of its frame: bytes of the source (2), of the log id (2), the source,
/// the log id, the ranges as text. The key is the project.
enum SourceRecord {
  static func encode(_ key: SourceLogKey, _ numbers: SequenceRanges) -> [UInt8] {
    let (source, log) = (Array(key.source.utf8), Array(key.log.utf8))
    var bytes: [UInt8] = []
    for count in [source.count, log.count] {
      bytes.append(UInt8(truncatingIfNeeded: count))
      bytes.append(UInt8(truncatingIfNeeded: count >> 8))
    }
    return bytes + source + log + Array(numbers.description.utf8)
  }

  /// Nil for what no store writes.
  static func decode(
    project: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
  ) -> (key: SourceLogKey, numbers: SequenceRanges)? {
    guard bytes.count >= 4 else { return nil }
    let sourceEnd = 4 + Int(bytes.integer(at: 0, as: UInt16.self))
    let logEnd = sourceEnd + Int(bytes.integer(at: 2, as: UInt16.self))
    guard logEnd <= bytes.count,
      let numbers = try? SequenceRanges(parsing: UnsafeRawBufferPointer(rebasing: bytes[logEnd...]), rangesMax: .max)
    else { return nil }
    let key = SourceLogKey(
      project: String(decoding: project, as: UTF8.self), source: String(decoding: bytes[4..<sourceEnd], as: UTF8.self),
      log: String(decoding: bytes[sourceEnd..<logEnd], as: UTF8.self))
    return (key, numbers)
  }
}
