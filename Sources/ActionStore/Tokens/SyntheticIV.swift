/// AES-SIV (RFC 5297) with two AES-256 keys and one header: deterministic authenticated encryption. The same text always
/// seals to the same bytes, and no nonce can repeat.
struct SyntheticIV: ~Copyable, Sendable {
  static let tagBytes = BlockCipher.blockBytes
  private typealias Block = SIMD16<UInt8>

  private let authentication: BlockCipher
  private let encryption: BlockCipher
  /// CMAC's subkeys (RFC 4493, section 2.3).
  private let subkey1: Block
  private let subkey2: Block
  /// The CMAC of a block of zeros, doubled: what every S2V begins with.
  private let start: Block

  init(authentication: consuming BlockCipher, encryption: consuming BlockCipher) {
    subkey1 = Self.doubled(Self.encrypt(Block(), authentication))
    subkey2 = Self.doubled(subkey1)
    start = Self.doubled(Self.encrypt(subkey1, authentication))
    self.authentication = authentication
    self.encryption = encryption
  }

  /// Encrypts `text` in place and writes its tag, 16 bytes.
  func seal(_ text: UnsafeMutableRawBufferPointer, header: UnsafeRawBufferPointer, tag: UnsafeMutableRawBufferPointer) {
    let value = vector(of: UnsafeRawBufferPointer(text), header: header)
    tag.storeBytes(of: value, as: Block.self)
    applyKeyStream(to: text, tag: value)
  }

  /// Decrypts `text` in place. When it returns false the text is not what was sealed, and must not be looked at.
  func open(
    _ text: UnsafeMutableRawBufferPointer, header: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer
  ) -> Bool {
    guard tag.count == Self.tagBytes else { return false }
    let given = tag.loadUnaligned(as: Block.self)
    applyKeyStream(to: text, tag: given)
    // All bytes at once: in a time that does not depend on where the two differ.
    return all(vector(of: UnsafeRawBufferPointer(text), header: header) .== given)
  }

  /// S2V (section 2.4) of a header and a text.
  private func vector(of text: UnsafeRawBufferPointer, header: UnsafeRawBufferPointer) -> Block {
    let value = start ^ code(of: header)
    let tail = text.count - Self.tagBytes
    guard tail >= 0 else { return Self.encrypt(Self.doubled(value) ^ Self.padded(text) ^ subkey1, authentication) }
    // The end of the text is mixed with what came before.
    return withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { mixed in
      mixed.copyMemory(from: text)
      mixed.storeBytes(
        of: text.loadUnaligned(fromByteOffset: tail, as: Block.self) ^ value, toByteOffset: tail, as: Block.self)
      return code(of: UnsafeRawBufferPointer(mixed))
    }
  }

  /// CMAC (RFC 4493).
  private func code(of bytes: UnsafeRawBufferPointer) -> Block {
    var state = Block()
    var position = 0
    while position + Self.tagBytes < bytes.count {
      state = Self.encrypt(state ^ bytes.loadUnaligned(fromByteOffset: position, as: Block.self), authentication)
      position += Self.tagBytes
    }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
    let last = rest.count == Self.tagBytes ? rest.loadUnaligned(as: Block.self) ^ subkey1 : Self.padded(rest) ^ subkey2
    return Self.encrypt(state ^ last, authentication)
  }

  /// AES-CTR from the tag without bits 31 and 63 (section 2.5). No text is so long that the counter would pass them.
  private func applyKeyStream(to text: UnsafeMutableRawBufferPointer, tag: Block) {
    var counter = tag
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    var low = UInt32(counter[12]) << 24 | UInt32(counter[13]) << 16 | UInt32(counter[14]) << 8 | UInt32(counter[15])
    let blocks = (text.count + Self.tagBytes - 1) / Self.tagBytes
    withUnsafeTemporaryAllocation(byteCount: blocks * Self.tagBytes, alignment: Self.tagBytes) { stream in
      for index in 0..<blocks {
        stream.storeBytes(of: counter, toByteOffset: index * Self.tagBytes, as: Block.self)
        stream.storeBytes(of: low.bigEndian, toByteOffset: index * Self.tagBytes + 12, as: UInt32.self)
        low &+= 1
      }
      encryption.encrypt(stream)
      for index in 0..<text.count { text[index] ^= stream[index] }
    }
  }

  private static func encrypt(_ block: Block, _ cipher: borrowing BlockCipher) -> Block {
    var block = block
    withUnsafeMutableBytes(of: &block) { cipher.encrypt($0) }
    return block
  }

  /// Multiplication by x in GF(2¹²⁸), the first byte being the highest (section 2.3).
  private static func doubled(_ block: Block) -> Block {
    var result = block &<< 1
    for index in 0..<15 { result[index] |= block[index + 1] >> 7 }
    if block[0] & 0x80 != 0 { result[15] ^= 0x87 }
    return result
  }

  /// Fewer than 16 bytes, a single bit 1 behind them, then zeros.
  private static func padded(_ bytes: UnsafeRawBufferPointer) -> Block {
    var block = Block()
    let count = min(bytes.count, tagBytes - 1)
    for index in 0..<count { block[index] = bytes[index] }
    block[count] = 0x80
    return block
  }
}
