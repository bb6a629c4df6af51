import Cprocessor
import Crypto
import CryptoExtras

/// AES-256 on single blocks, with the key expanded once: what ids and markers are sealed with.
///
/// Encrypts by the processor's instructions where it has them, else, and always for decryption, which no page needs,
/// by swift-crypto's permutation, which expands the key anew for each block.
///
/// Not copyable, as ``SyntheticIV``: a copy for each use would count references.
struct BlockCipher: ~Copyable, Sendable {
  static let blockBytes = 16
  private static let roundKeysBytes = 15 * blockBytes

  private let key: SymmetricKey
  /// Nil when the processor has no instructions for AES.
  private nonisolated(unsafe) let roundKeys: UnsafeMutableBufferPointer<UInt8>?

  /// - Parameter usesInstructions: false for tests, which compare the two ways.
  init(key: SymmetricKey, usesInstructions: Bool = true) {
    self.key = key
    let canUse = usesInstructions && processor_has_aes() != 0 && key.bitCount == 256
    guard canUse else {
      roundKeys = nil
      return
    }
    let expanded = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Self.roundKeysBytes)
    _ = expanded.initialize(from: key.withUnsafeBytes { Self.expand($0) })
    roundKeys = expanded
  }

  deinit {
    roundKeys?.update(repeating: 0)
    roundKeys?.deallocate()
  }

  /// Encrypts 16-byte blocks in place, each by itself.
  func encrypt(_ blocks: UnsafeMutableRawBufferPointer) {
    let count = blocks.count / Self.blockBytes
    guard let start = blocks.baseAddress, count > 0 else { return }
    if let keys = roundKeys?.baseAddress {
      processor_encrypt_aes256(keys, start.assumingMemoryBound(to: UInt8.self), count)
    } else {
      for index in 0..<count {
        let range = (index * Self.blockBytes)..<((index + 1) * Self.blockBytes)
        var block = Array(blocks[range])
        // Fails only for a block that has not 16 bytes.
        try? AES.permute(&block, key: key)
        UnsafeMutableRawBufferPointer(rebasing: blocks[range]).copyBytes(from: block)
      }
    }
  }

  /// Nil for what is not one block.
  func decrypt(_ block: [UInt8]) -> [UInt8]? {
    var block = block
    guard (try? AES.inversePermute(&block, key: key)) != nil else { return nil }
    return block
  }

  /// The key schedule of AES-256 (FIPS 197, section 5.2).
  private static func expand(_ key: UnsafeRawBufferPointer) -> [UInt8] {
    let box = substitutionBox()
    var bytes = Array(key)
    bytes.reserveCapacity(roundKeysBytes)
    var constant: UInt8 = 1
    while bytes.count < roundKeysBytes {
      var word = Array(bytes.suffix(4))
      if bytes.count % 32 == 0 {
        word = [word[1], word[2], word[3], word[0]].map { box[Int($0)] }
        word[0] ^= constant
        constant = doubled(constant)
      } else if bytes.count % 32 == 16 {
        word = word.map { box[Int($0)] }
      }
      for byte in word { bytes.append(byte ^ bytes[bytes.count - 32]) }
    }
    return bytes
  }

  /// AES's S-box (FIPS 197, section 5.1.1): walks the field by its generator 3 and, beside it, by the inverse of that.
  private static func substitutionBox() -> [UInt8] {
    var box = [UInt8](repeating: 0x63, count: 256)
    var value: UInt8 = 1
    var inverse: UInt8 = 1
    repeat {
      value ^= doubled(value)
      inverse ^= inverse << 1
      inverse ^= inverse << 2
      inverse ^= inverse << 4
      if inverse & 0x80 != 0 { inverse ^= 0x09 }
      func turned(_ bits: UInt8) -> UInt8 { inverse << bits | inverse >> (8 - bits) }
      box[Int(value)] = inverse ^ turned(1) ^ turned(2) ^ turned(3) ^ turned(4) ^ 0x63
    } while value != 1
    return box
  }

  private static func doubled(_ value: UInt8) -> UInt8 { value << 1 ^ (value & 0x80 != 0 ? 0x1B : 0) }
}
