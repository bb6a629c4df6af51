import Testing

@testable import ActionStore

@Suite("CRC-32C")
struct CRC32CTests {
  @Test("gives the check value of the catalogue of CRCs")
  func checkValue() {
    let bytes = Array("123456789".utf8)
    #expect(bytes.withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
  }

  @Test("is the same with the processor's instruction and without, in any number of pieces")
  func bothWays() {
    for count in 0..<70 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
      let cut = Int.random(in: 0...count)
      var fast = CRC32C()
      var slow = CRC32C()
      bytes.withUnsafeBytes { bytes in
        fast.update(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
        fast.update(UnsafeRawBufferPointer(rebasing: bytes[cut...]))
        slow.update(bytes, usesInstruction: false)
      }
      #expect(fast.value == slow.value)
    }
  }
}
