import AuditActions
import Testing

@Suite("Where an action was numbered")
struct ActionOriginTests {
  @Test(
    "a source is any URI reference",
    arguments: [
      "/workers/7", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "https://u@[::1]:8080/a;b=c,d/?e=f&g#h", "a",
      "//host/~x_y.z!$'()*+", "caf%C3%A9", "%2e%2E", "...", "./..", String(repeating: "x", count: 256),
    ])
  func allowed(source: String) throws {
    #expect(try ActionOrigin.source(source) == source)
  }

  @Test(
    "a source of other characters is refused, so that two of them are one only when their bytes are",
    arguments: [
      "", "a b", "caf\u{E9}", "cafe\u{301}", "a\"b", "a<b", "a>b", "a\\b", "a^b", "a`b", "a{b", "a|b", "a}b", "%",
      "a%2",
      "%zz", "%2g", "a\u{0}b", "a\tb", "a\u{7F}b", ".", "..", String(repeating: "x", count: 257),
    ])
  func refused(source: String) {
    let error = #expect(throws: AuditActionError.self) { try ActionOrigin.source(source) }
    #expect(error?.code == .invalidSource)
  }

  @Test("every byte that stands alone in a source is one that RFC 3986 names")
  func bytes() {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=".utf8)
    for byte in UInt8.min...UInt8.max {
      let isTaken = [0x61, byte].withUnsafeBytes { (try? ActionOrigin.source($0)) != nil }
      #expect(isTaken == allowed.contains(byte), "\(byte)")
    }
  }
}
