extension ActionOrigin {
  /// The same from what stands in a path, a document or a line.
  /// - Throws: `invalid_source`, `invalid_log`, `invalid_sequence`.
  public init(source: String, log: String, sequence: Int64) throws(AuditActionError) {
    self.source = try Self.source(source)
    self.log = try Self.log(log)
    guard sequence >= 1 else {
      throw AuditActionError(
        .invalidSequence, "a sequence number is a number from 1 to 9223372036854775807", parameter: "sequence")
    }
    self.sequence = sequence
  }

  /// 1 … 64 characters out of `A-Z a-z 0-9 _ . -`.
  /// - Throws: `invalid_log`.
  public static func log(_ text: String) throws(AuditActionError) -> String {
    try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      try log(UnsafeRawBufferPointer(bytes))
    }
  }
}
