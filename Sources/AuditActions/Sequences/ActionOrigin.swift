/// Where an action was numbered: by which source, in which of its logs, and as the how-manieth.
///
/// It travels in the headers `ce_source` (CloudEvents), `ce_logid` and `ce_sequence` (extensions of ours; Apache ACE
/// calls them target id, store id and event id). A record without `ce_logid` is not numbered.
public struct ActionOrigin: Hashable, Sendable {
  /// Names of the headers.
  public static let sourceHeader = "ce_source"
  public static let logHeader = "ce_logid"
  public static let sequenceHeader = "ce_sequence"
  /// Longest source, in bytes.
  public static let sourceBytesMax = 256
  /// Longest log id, in characters out of `A-Z a-z 0-9 _ . -`.
  public static let logCharactersMax = 64

  public let source: String
  public let log: String
  /// From 1.
  public let sequence: Int64

  /// Reads the headers' values.
  /// - Throws: `invalid_source`, `invalid_log`, `invalid_sequence`.
  public init(
    source: UnsafeRawBufferPointer?, log: UnsafeRawBufferPointer, sequence: UnsafeRawBufferPointer?
  ) throws(AuditActionError) {
    self.log = try Self.log(log)
    self.source = try Self.source(source ?? UnsafeRawBufferPointer(start: nil, count: 0))
    self.sequence = try Self.sequence(sequence ?? UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// A URI reference of 1 … 256 bytes: the ASCII characters that RFC 3986 allows in one, `%` only before two
  /// hexadecimal digits. `.` and `..` are none, as clients take them out of the URL of what is told of a source.
  /// - Throws: `invalid_source`.
  public static func source(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> String {
    guard (1...sourceBytesMax).contains(bytes.count), URICharacters.areReference(bytes),
      !NameCharacters.isDotSegment(bytes, from: 0, count: bytes.count)
    else { throw AuditActionError(.invalidSource, sourceRule, parameter: "source") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The same for text.
  /// - Throws: `invalid_source`.
  public static func source(_ text: String) throws(AuditActionError) -> String {
    try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      try source(UnsafeRawBufferPointer(bytes))
    }
  }

  private static let sourceRule =
    "a source is a URI reference of 1 to \(sourceBytesMax) bytes, which RFC 3986 writes in ASCII without white space,"
    + " quotes and < > \\ ^ ` { | }, everything else as % and two hexadecimal digits; and not . or .."

  /// 1 … 64 characters out of `A-Z a-z 0-9 _ . -`.
  /// - Throws: `invalid_log`.
  public static func log(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> String {
    guard (1...logCharactersMax).contains(bytes.count), bytes.allSatisfy(NameCharacters.contains),
      !NameCharacters.isDotSegment(bytes, from: 0, count: bytes.count)
    else {
      throw AuditActionError(
        .invalidLog, "a log id has 1 to \(logCharactersMax) characters out of A-Z a-z 0-9 _ . -", parameter: "log")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A decimal number from 1 to 9,223,372,036,854,775,807 without leading zeros.
  /// - Throws: `invalid_sequence`.
  public static func sequence(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> Int64 {
    guard bytes.count <= 19, bytes.first != 0x30, let digits = DecimalText.digits(bytes),
      let number = Int64(exactly: digits)
    else {
      throw AuditActionError(
        .invalidSequence, "a sequence number is a decimal number from 1 to 9223372036854775807",
        parameter: "ce_sequence")
    }
    return number
  }
}
