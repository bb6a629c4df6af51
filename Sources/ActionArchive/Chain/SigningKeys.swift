import ActionProof
import Crypto

/// The Ed25519 key that signs manifests (RFC 8032), from PEM as `openssl genpkey -algorithm ed25519` writes it.
package struct ManifestSigner: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// - Parameter pem: PKCS#8, not encrypted (RFC 8410).
  /// - Throws: `invalidConfiguration`; never repeats the key.
  package init(pem: String) throws(ArchiveError) {
    guard let key = Ed25519PEM.privateKey(pem) else {
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
    guard let key = Ed25519PEM.publicKey(pem) else {
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
