public import AuditActions

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension JSONText {
  /// Encodes a type of your own as details; keys are sorted, so that equal values give equal bytes.
  /// - Throws: what the value's `encode(to:)` throws, or an ``AuditActionError`` when the result is no object or is
  ///   out of the limits.
  public init(encoding value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try self.init(encoder.encode(value))
  }
}
