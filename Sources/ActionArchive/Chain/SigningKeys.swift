import Crypto
import Foundation

/// The Ed25519 key that signs manifests (RFC 8032), from PEM as `openssl genpkey -algorithm ed25519` writes it.
package struct ManifestSigner: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// - Parameter pem: PKCS#8, not encrypted (RFC 8410).
  /// - Throws: `invalidConfiguration`; never repeats the key.
  package init(pem: String) throws(ArchiveError) {
    // The algorithm's number, then the key: OCTET STRING (34) in which is OCTET STRING (32).
    let marker: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
    guard let raw = PEM.bytes(pem, label: "PRIVATE KEY", after: marker, count: 32),
      let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw)
    else {
      throw ArchiveError(
        .invalidConfiguration,
        "the signing key is no Ed25519 key in PEM (PKCS#8, not encrypted): make one with openssl genpkey -algorithm ed25519"
      )
    }
    self.key = key
  }

  package var publicKey: ManifestVerifier { ManifestVerifier(key: key.publicKey) }

  /// 64 bytes.
  func signature(of bytes: [UInt8]) throws(ArchiveError) -> [UInt8] {
    do { return Array(try key.signature(for: bytes)) } catch {
      throw ArchiveError(.invalidConfiguration, "the signing key does not sign: \(error)")
    }
  }
}

/// The public half, from PEM as `openssl pkey -pubout` writes it.
package struct ManifestVerifier: Sendable {
  private let key: Curve25519.Signing.PublicKey

  fileprivate init(key: Curve25519.Signing.PublicKey) { self.key = key }

  /// - Throws: `invalidConfiguration`.
  package init(pem: String) throws(ArchiveError) {
    let marker: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    guard let raw = PEM.bytes(pem, label: "PUBLIC KEY", after: marker, count: 32),
      let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw)
    else {
      throw ArchiveError(
        .invalidConfiguration,
        "the public key is no Ed25519 key in PEM: make one with openssl pkey -in signing.pem -pubout")
    }
    self.key = key
  }

  /// SHA-256 of the key's 32 bytes, as manifests name their signer.
  package var fingerprint: [UInt8] { Array(SHA256.hash(data: key.rawRepresentation)) }

  func isValid(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
    signature.count == 64 && key.isValidSignature(signature, for: bytes)
  }
}

private enum PEM {
  /// The `count` bytes that follow `marker` in the first block with this label.
  static func bytes(_ text: String, label: String, after marker: [UInt8], count: Int) -> [UInt8]? {
    guard text.utf8.count < 16_384, let begin = text.range(of: "-----BEGIN \(label)-----"),
      let end = text.range(of: "-----END \(label)-----", range: begin.upperBound..<text.endIndex),
      let data = Data(
        base64Encoded: String(text[begin.upperBound..<end.lowerBound]), options: .ignoreUnknownCharacters)
    else { return nil }
    let der = [UInt8](data)
    guard der.count >= marker.count + count else { return nil }
    for start in 0...(der.count - marker.count - count) where Array(der[start..<(start + marker.count)]) == marker {
      return Array(der[(start + marker.count)..<(start + marker.count + count)])
    }
    return nil
  }
}
