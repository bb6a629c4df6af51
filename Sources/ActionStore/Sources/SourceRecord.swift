import AuditActions

/// What one batch received of a log, as a record of its frame: bytes of the source (2), of the log id (2), the source,
/// the log id, the ranges as text. The key is the project.
enum SourceRecord {
  static func encode(_ key: SourceLogKey, _ numbers: SequenceRanges) -> [UInt8] {
    name(key) + Array(numbers.description.utf8)
  }

  /// How the body of a record begins that is of a log.
  static func name(_ key: SourceLogKey) -> [UInt8] {
    let (source, log) = (Array(key.source.utf8), Array(key.log.utf8))
    var bytes: [UInt8] = []
    for count in [source.count, log.count] {
      bytes.append(UInt8(truncatingIfNeeded: count))
      bytes.append(UInt8(truncatingIfNeeded: count >> 8))
    }
    return bytes + source + log
  }

  /// The log a record is of, and where what follows it begins. Nil for what no store writes.
  static func key(
    project: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
  ) -> (key: SourceLogKey, end: Int)? {
    guard bytes.count >= 4 else { return nil }
    let sourceEnd = 4 + Int(bytes.integer(at: 0, as: UInt16.self))
    let logEnd = sourceEnd + Int(bytes.integer(at: 2, as: UInt16.self))
    guard logEnd <= bytes.count else { return nil }
    let key = SourceLogKey(
      project: String(decoding: project, as: UTF8.self), source: String(decoding: bytes[4..<sourceEnd], as: UTF8.self),
      log: String(decoding: bytes[sourceEnd..<logEnd], as: UTF8.self))
    return (key, logEnd)
  }

  /// Nil for what no store writes.
  static func decode(
    project: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
  ) -> (key: SourceLogKey, numbers: SequenceRanges)? {
    guard let (key, end) = key(project: project, bytes),
      let numbers = try? SequenceRanges(parsing: UnsafeRawBufferPointer(rebasing: bytes[end...]), rangesMax: .max)
    else { return nil }
    return (key, numbers)
  }
}
