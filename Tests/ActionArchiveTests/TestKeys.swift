import Crypto
import Foundation

/// A private key as `openssl genpkey -algorithm ed25519` writes it.
func testKey(_ key: Curve25519.Signing.PrivateKey) -> String {
  let der = Data([0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]) + key.rawRepresentation
  return "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n"
}
