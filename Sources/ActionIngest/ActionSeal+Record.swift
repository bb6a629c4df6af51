import ActionProof
import AuditActions

extension ActionSeal {
  /// What proves a record; nil for one with nothing to prove it, or whose texts are too long or no UTF-8: such a proof
  /// cannot be passed on.
  init?(_ fields: RecordFields) {
    guard fields.isProved else { return nil }
    var isWhole = true
    self.init { part in
      guard let bytes = fields.bytes(of: part) else { return nil }
      guard bytes.count <= part.bytesMax, let text = String(validating: bytes, as: UTF8.self) else {
        isWhole = false
        return nil
      }
      return text
    }
    guard isWhole else { return nil }
  }
}

extension RecordFields {
  /// Whether it came with a checksum or a signature.
  var isProved: Bool { checksum != nil || signature != nil }

  fileprivate func bytes(of part: ActionSeal.Part) -> UnsafeRawBufferPointer? {
    switch part {
    case .id: id
    case .time: time
    case .timeToLive: timeToLive
    case .checksum: checksum
    case .signature: signature
    }
  }
}
