import Crypto

/// Tells two bodies apart without showing either: SHA-256 of the bytes, as `sha256:` and 64 hexadecimal digits, which
/// `sha256sum` gives as well.
package struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ body: some Sequence<UInt8>) {
    var hash = SHA256()
    hash.update(data: Array(body))
    let digits = Array("0123456789abcdef")
    description =
      "sha256:" + String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] })
  }
}
