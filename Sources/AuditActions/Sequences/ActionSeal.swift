/// What proves a numbered action, as its source wrote it: checksum and signature, and the texts of those headers they
/// are made of that nothing else of the action says exactly.
///
/// Of what is proved, key, value, source, log id and number are the action's own, byte for byte. Its id is kept nowhere
/// else, and a time or a number that was read and is written again may have other bytes. With these texts the record
/// can be made again as far as it is proved, wherever the action goes. A text that is nil was not there, which is
/// something else than an empty one.
package struct ActionSeal: Sendable, Equatable {
  package enum Part: Int, Sendable, CaseIterable {
    case id
    case time
    case timeToLive
    case checksum
    case signature

    /// The header of the record it stands in.
    package var header: StaticString {
      switch self {
      case .id: "ce_id"
      case .time: "ce_time"
      case .timeToLive: "ttl"
      case .checksum: "ce_crc32c"
      case .signature: "ce_signature"
      }
    }

    /// What it is called where actions are exchanged as JSON.
    package var member: String {
      switch self {
      case .id: "id"
      case .time: "time"
      case .timeToLive: "ttl"
      case .checksum: "crc32c"
      case .signature: "signature"
      }
    }

    /// Longest text, in bytes: of an id more than any known client writes; of the others more than is ever right.
    package var bytesMax: Int {
      switch self {
      case .id: 512
      case .time: 64
      case .timeToLive: 16
      case .checksum: 16
      case .signature: 128
      }
    }
  }

  /// By part.
  private let texts: [String?]

  /// Nil where there is neither checksum nor signature, or a text is too long: then nothing is proved by it.
  package init?(_ text: (Part) -> String?) {
    texts = Part.allCases.map(text)
    guard self[.checksum] != nil || self[.signature] != nil,
      Part.allCases.allSatisfy({ self[$0]?.utf8.count ?? 0 <= $0.bytesMax })
    else { return nil }
  }

  package subscript(part: Part) -> String? { texts[part.rawValue] }

  /// Of all texts.
  package var byteCount: Int { texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) } }

  /// As bytes: texts may be equal that are not the same.
  package static func == (left: Self, right: Self) -> Bool {
    zip(left.texts, right.texts).allSatisfy { left, right in
      left.map { Array($0.utf8) } == right.map { Array($0.utf8) }
    }
  }
}
