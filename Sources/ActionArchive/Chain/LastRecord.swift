import Crypto

/// The last record that is archived, to know the topic again by: its offset alone would not tell that a broker lost the
/// end of its log and gave the same offsets to other records.
package struct LastRecord: Sendable, Equatable {
  var offset: Int64
  /// Of its line.
  var sha256: [UInt8]

  init(offset: Int64, line: UnsafeRawBufferPointer) {
    self.offset = offset
    sha256 = Array(SHA256.hash(data: line))
  }

  /// Members of what names it. Without any there was no record, or it was written by a version that did not note it.
  static func canonical(_ record: LastRecord?) -> [String: CanonicalJSON] {
    guard let record else { return [:] }
    return ["lastRecord": .integer(record.offset), "lastRecordSHA256": .string(Hex.text(record.sha256))]
  }

  init?(_ fields: BookkeepingFields) throws(ArchiveError) {
    guard fields.has("lastRecord") else { return nil }
    offset = try fields.integer("lastRecord")
    sha256 = try fields.sha256("lastRecordSHA256")
  }
}

extension CanonicalJSON {
  func merging(_ members: [String: CanonicalJSON]) -> CanonicalJSON {
    guard case .object(let own) = self else { return self }
    return .object(own.merging(members) { first, _ in first })
  }
}
