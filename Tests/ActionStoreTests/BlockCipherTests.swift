import Crypto
import Testing

@testable import ActionStore

/// The block cipher and AES-SIV, held against figures made by others.
@Suite("The cipher of markers and ids")
struct BlockCipherTests {
  /// FIPS 197, appendix C.3.
  @Test("encrypts the standard's example", arguments: [true, false])
  func standard(usesInstructions: Bool) {
    let key = SymmetricKey(data: Array(UInt8(0)..<32))
    let cipher = BlockCipher(key: key, usesInstructions: usesInstructions)
    var block = (0..<16).map { UInt8($0 * 0x11) }
    block.withUnsafeMutableBytes { cipher.encrypt($0) }
    #expect(hexadecimal(block) == "8ea2b7ca516745bfeafc49904b496089")
    #expect(cipher.decrypt(block) == (0..<16).map { UInt8($0 * 0x11) })
    #expect(cipher.decrypt([1]) == nil)
  }

  @Test("is the same with the processor's instructions and without, for any number of blocks")
  func bothWays() {
    for count in 0..<11 {
      let key = SymmetricKey(size: .bits256)
      let blocks = (0..<(count * 16)).map { _ in UInt8.random(in: 0...255) }
      var fast = blocks
      var slow = blocks
      fast.withUnsafeMutableBytes { BlockCipher(key: key).encrypt($0) }
      slow.withUnsafeMutableBytes { BlockCipher(key: key, usesInstructions: false).encrypt($0) }
      #expect(fast == slow)
    }
  }

  /// Tag and ciphertext by the `AESSIV` of Python's cryptography 48 (OpenSSL), with the key 00 01 … 3f and the text
  /// whose byte n is 7 n + 3.
  @Test(
    "seals as AES-SIV does, and opens that again",
    arguments: [
      (1, "p/q", "fc0e604d30ea4ebe1e2f35350b715914c2"),
      (15, "p/q", "f79bbdbc2f2a7705ae4809c16bce80f046b8a42723cf21706e5b7148c4a710"),
      (16, "p/q", "b24619474f23030bb85220afe01b2dc84c31218f4375db225690389608ec10a5"),
      (17, "p/q", "080fe2f100976f4d6c4217880bee60f0aac1f14fe82eac52974f019aad9d254b4d"),
      (31, "p/q", "505f2873dd848782d1e7357453181f80b7a892ef46cb2410fc3f0c0fed9a87c9aa504855066a5a4b972e3d7768993c"),
      (
        33, "p/q",
        "bed64edf0d19458d92cefd4a0fd1120d040478790dbbe76869862e35cc6208990c7395747f1585e71bd39f6ce8370c6b35"
      ),
      (
        36, "project/queue-0123456789",
        "871ab6b8498ddea68b2bd07e8ddc07c07fe3976cf2139ccc53287925d98b102687484b188cac5ddc2471518d5110b06e6130504b"
      ),
      (
        36, "0123456789abcdef",
        "3897a8925efa6982be697830dfcac819e68fb740025f7247d912978ec6fbef48b837346530234b705b83a8629f9050994ee852c3"
      ),
      (
        56, "p/q",
        "f6ff9396bdffc61b4b2f575be7c81c1841f7392a02dc55e9da84f8bba8b0895818e12d6fe85f4cd06cffd2c19c978f30"
          + "7990f05c7a9937eb8bbcd7a7e9fb46aba14da4a5ad54085f"
      ),
    ])
  func vectors(count: Int, header: String, sealed: String) {
    let siv = SyntheticIV(
      authentication: BlockCipher(key: SymmetricKey(data: Array(UInt8(0)..<32))),
      encryption: BlockCipher(key: SymmetricKey(data: Array(UInt8(32)..<64))))
    let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
    var content = text
    var tag = [UInt8](repeating: 0, count: 16)
    let header = Array(header.utf8)
    header.withUnsafeBytes { header in
      content.withUnsafeMutableBytes { content in
        tag.withUnsafeMutableBytes { siv.seal(content, header: header, tag: $0) }
      }
    }
    #expect(hexadecimal(tag + content) == sealed)
    func opens(_ header: [UInt8]) -> Bool {
      header.withUnsafeBytes { header in
        content.withUnsafeMutableBytes { content in
          tag.withUnsafeBytes { siv.open(content, header: header, tag: $0) }
        }
      }
    }
    #expect(opens(header))
    #expect(content == text)
    #expect(!opens(header + [0]))
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
