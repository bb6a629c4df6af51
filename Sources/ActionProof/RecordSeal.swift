import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a source gives its records, so that others see that they are as it sent them: a checksum, against accidents; a
/// signature, against those who would speak in its name.
package struct RecordSeal: Sendable {
  /// Whether a record gets the header `ce_crc32c`.
  package let hasChecksum: Bool
  private let signer: SourceSigner?

  /// Nil when there is nothing to give.
  package init?(checksum: Bool, signer: SourceSigner?) {
    guard checksum || signer != nil else { return nil }
    hasChecksum = checksum
    self.signer = signer
  }

  /// How many headers it adds, and bytes of their names and values: the same for every record.
  package var headers: (count: Int, bytes: Int) {
    let lengths =
      (hasChecksum ? [RecordFields.checksumHeader.utf8CodeUnitCount + ChecksumText.bytes] : [])
      + (signer != nil ? [RecordFields.signatureHeader.utf8CodeUnitCount + SourceSigner.textBytes] : [])
    return (lengths.count, lengths.reduce(0, +))
  }

  /// Calls `add` with each header for a record, its value valid inside the call. A signature takes some ten microseconds.
  /// - Throws: what the system's source of cryptography says, should it fail; no record causes that.
  package func forEachHeader(
    of fields: RecordFields, _ add: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void
  ) throws {
    if hasChecksum {
      ChecksumText.encode(fields.computedChecksum).withUnsafeBytes { add(RecordFields.checksumHeader, $0) }
    }
    if let signer {
      try signer.signatureText(of: fields.provedBytes).withUnsafeBytes { add(RecordFields.signatureHeader, $0) }
    }
  }
}

/// The Ed25519 key that a source signs with.
package struct SourceSigner: Sendable, CustomStringConvertible, CustomReflectable {
  /// 64 bytes in Base64.
  static let textBytes = 88

  private let key: Curve25519.Signing.PrivateKey

  /// Nil for what is no private Ed25519 key in PEM (PKCS#8, not encrypted).
  package init?(pem: String) {
    guard let key = Ed25519PEM.privateKey(pem) else { return nil }
    self.key = key
  }

  /// Says nothing of the key.
  package var description: String { "an Ed25519 key" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  func signatureText(of bytes: [UInt8]) throws -> [UInt8] {
    Array(Data(try key.signature(for: bytes)).base64EncodedString().utf8)
  }
}
