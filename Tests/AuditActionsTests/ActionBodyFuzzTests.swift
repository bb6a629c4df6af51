import AuditActions
import Testing

@Suite("The record's value, cut and damaged")
struct ActionBodyFuzzTests {
  /// Nested as real audit records are (AWS CloudTrail's shape), with escapes and text outside ASCII.
  static let nestedRecord =
    #"{"event":"s3.amazonaws.com PutObject","details":{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","#
    + #""principalId":"AROAEXAMPLE:session","sessionContext":{"sessionIssuer":{"type":"Role","userName":"Jos\u00e9"},"#
    + #""attributes":{"creationDate":"2023-07-10T09:12:31Z","mfaAuthenticated":"false"}}},"sourceIPAddress":"192.0.2.7","#
    + #""userAgent":"[S3Console/0.4, aws-internal/3 \"x\"]","requestParameters":{"bucketName":"příklad","Host":"h","#
    + #""tags":[{"k":"a","v":null},{"k":"b","v":-1.5e3}]},"responseElements":null,"readOnly":false,"bytes":[0,1,[2,[]]]},"#
    + #""user":{"username":"SYSTEM","authenticationProvider":"SYSTEM"},"message":"😀 done"}"#

  @Test("No proper prefix of a valid body is valid, and none traps")
  func refusesEveryPrefix() {
    let bytes = Array(Self.nestedRecord.utf8)
    #expect(code(of: validateBody(bytes)) == nil)
    for count in 0..<bytes.count {
      let found = code(of: validateBody(Array(bytes[..<count])))
      #expect(found == .invalidJSON || found == .invalidUTF8, "cut at \(count): \(String(describing: found))")
    }
  }

  @Test("No prefix of random bodies is valid")
  func refusesPrefixesOfRandomBodies() {
    var generator = JSONGenerator(random: SeededRandom(seed: 4))
    for _ in 0..<60 {
      let body = generator.body()
      #expect(code(of: validateBody(body)) == nil)
      for count in 0..<min(body.count, 400) { #expect(code(of: validateBody(Array(body[..<count]))) != nil) }
    }
  }

  @Test("Damaged bodies never trap; what is still accepted has an event within its limits")
  func survivesMutation() throws {
    var generator = JSONGenerator(random: SeededRandom(seed: 5))
    let record = Array(Self.nestedRecord.utf8)
    var accepted = 0
    for round in 0..<20_000 {
      let original = round % 2 == 0 ? record : generator.body()
      let damaged = mutated(original, using: &generator.random)
      guard case .success(let body) = validateBody(damaged) else { continue }
      accepted += 1
      damaged.withUnsafeBytes { bytes in
        let text = body.eventText(in: bytes)
        #expect((1...256).contains(text.utf8.count))
        #expect(eventHash(text) == body.eventHash(in: bytes))
      }
    }
    #expect(accepted > 1_000)
  }

  @Test("Random bytes never trap")
  func survivesNoise() {
    var random = SeededRandom(seed: 6)
    let likely = Array("{}[]\",:\\u0event 1e".utf8) + [0x80, 0xFF]
    for _ in 0..<20_000 {
      let noise = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        likely[Int.random(in: 0..<likely.count, using: &random)]
      }
      _ = validateBody(noise)
      _ = validateBody(Array("{\"event\":\"".utf8) + noise)
    }
  }
}
