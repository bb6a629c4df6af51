package import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Ed25519 keys (RFC 8032) as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
package enum Ed25519PEM {
  /// From PKCS#8, not encrypted (RFC 8410); nil for anything else.
  package static func privateKey(_ pem: String) -> Curve25519.Signing.PrivateKey? {
    // The algorithm's number, then the key: OCTET STRING (34) in which is OCTET STRING (32).
    let marker: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
    return bytes(pem, label: "PRIVATE KEY", after: marker).flatMap {
      try? Curve25519.Signing.PrivateKey(rawRepresentation: $0)
    }
  }

  /// From SubjectPublicKeyInfo; nil for anything else.
  package static func publicKey(_ pem: String) -> Curve25519.Signing.PublicKey? {
    let marker: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    return bytes(pem, label: "PUBLIC KEY", after: marker).flatMap {
      try? Curve25519.Signing.PublicKey(rawRepresentation: $0)
    }
  }

  private static let keyBytes = 32

  /// The key's bytes, which follow `marker` in the first block with this label.
  private static func bytes(_ text: String, label: String, after marker: [UInt8]) -> [UInt8]? {
    guard text.utf8.count < 16_384, let begin = text.firstRange(of: "-----BEGIN \(label)-----"),
      let end = text[begin.upperBound...].firstRange(of: "-----END \(label)-----"),
      let data = Data(
        base64Encoded: String(text[begin.upperBound..<end.lowerBound]), options: .ignoreUnknownCharacters)
    else { return nil }
    let der = [UInt8](data)
    guard der.count >= marker.count + keyBytes else { return nil }
    for start in 0...(der.count - marker.count - keyBytes) where der[start...].starts(with: marker) {
      return Array(der[(start + marker.count)..<(start + marker.count + keyBytes)])
    }
    return nil
  }
}
