package import AuditActions
import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Which records have to be signed.
package enum RequiredSignatures: String, Sendable, CaseIterable {
  /// None: what is signed by a source whose key is known is checked.
  case none
  /// Those of the sources whose keys are known.
  case known
  /// All: a record of a source without a key is refused.
  case all
}

/// Holds records against their checksums and signatures.
package struct RecordProof: Sendable {
  package let keys: SourceKeys
  package let required: RequiredSignatures

  package init(keys: SourceKeys = SourceKeys(), required: RequiredSignatures = .none) {
    self.keys = keys
    self.required = required
  }

  /// Whether a key of the record's source is known.
  package func knowsSource(of fields: RecordFields) -> Bool {
    fields.source.flatMap { keys.keys(of: $0) } != nil
  }

  /// What is wrong; nil when nothing is. Costs nothing where there is nothing to check, a microsecond for a checksum of
  /// a few thousand bytes, some hundred for each key a signature is held against.
  /// - Returns: `checksum_mismatch`, `signature_invalid`, `source_not_authenticated`.
  package func fault(of fields: RecordFields) -> AuditActionError? {
    if let checksum = fields.checksum, ChecksumText.decode(checksum) != fields.computedChecksum {
      return .checksumMismatch
    }
    if required == .none, fields.signature == nil || keys.isEmpty { return nil }
    guard let known = fields.source.flatMap({ keys.keys(of: $0) }) else {
      return required == .all ? .sourceWithoutKey : nil
    }
    guard let signature = fields.signature else { return required == .none ? nil : .unsigned }
    // As it is written: 64 bytes, with padding.
    guard signature.count == SourceSigner.textBytes,
      let raw = Data(base64Encoded: Data(signature)), raw.count == 64
    else { return .signatureInvalid }
    let bytes = fields.provedBytes
    return known.contains { $0.isValidSignature(raw, for: bytes) } ? nil : .signatureInvalid
  }
}

extension AuditActionError {
  fileprivate static let checksumMismatch = AuditActionError(
    .checksumMismatch, "the record does not have the CRC-32C that its header says: it was changed after it was made",
    parameter: "ce_crc32c")
  fileprivate static let signatureInvalid = AuditActionError(
    .signatureInvalid, "the signature is not that of this record by a key of its source", parameter: "ce_signature")
  fileprivate static let unsigned = AuditActionError(
    .sourceNotAuthenticated, "the source has to sign its records, and this one has no signature",
    parameter: "ce_signature")
  fileprivate static let sourceWithoutKey = AuditActionError(
    .sourceNotAuthenticated, "no key is known of the source, and all have to sign: add it to source-keys",
    parameter: "ce_source")
}
