import Testing

@testable import ActionStore

@Suite("CRC-32C")
struct CRC32CTests {
  @Test("gives the check value of the catalogue of CRCs")
  func checkValue() {
    let bytes = Array("123456789".utf8)
    #expect(bytes.withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
  }
}
