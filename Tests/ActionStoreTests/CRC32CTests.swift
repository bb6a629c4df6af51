import Testing

@testable import ActionStore

@Suite("CRC-32C")
struct CRC32CTests {
  @Test("gives the check value of the catalogue of CRCs")
  func checkValue() {
    let bytes = Array("123456789".utf8)
    #expect(bytes.withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
  }

  @Test("is the same by instructions and by tables, at any length and alignment, in any pieces")
  func ways() {
    var random = SeededGenerator(seed: 32)
    let bytes = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    bytes.withUnsafeBytes { bytes in
      for _ in 0..<2_000 {
        let start = Int.random(in: 0..<200, using: &random)
        let end = Int.random(in: start...min(start + 400, bytes.count), using: &random)
        let middle = Int.random(in: start...end, using: &random)
        var (one, other) = (CRC32C(), CRC32C())
        one.update(UnsafeRawBufferPointer(rebasing: bytes[start..<middle]))
        one.update(UnsafeRawBufferPointer(rebasing: bytes[middle..<end]))
        other.updateByTables(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        #expect(one.value == other.value)
      }
    }
  }
}
