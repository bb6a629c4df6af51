@testable import ActionProof

/// RFC 8032's first test key, in PEM.
enum TestKey {
  static let secret = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    -----END PRIVATE KEY-----

    """
  static let published = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----

    """
  /// Its second.
  static let other = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
    -----END PUBLIC KEY-----

    """
}

/// A record that owns its bytes.
struct SampleRecord {
  var key: String? = "demo/orders"
  var value: String? = #"{"event":"OrderShipped","details":{"order":4711}}"#
  var headers: [(name: String, value: String?)] = [
    ("ce_specversion", "1.0"), ("ce_id", "42"), ("ce_source", "/workers/7"), ("ce_type", "OrderShipped"),
    ("ce_time", "2026-11-21T04:44:00Z"), ("ce_logid", "1795275206091"), ("ce_sequence", "12"), ("ttl", "300"),
  ]

  func withFields<Result>(_ body: (RecordFields) throws -> Result) rethrows -> Result {
    let headers = headers.map { (name: Array($0.name.utf8), value: $0.value.map { Array($0.utf8) }) }
    return try RecordFields.with(
      key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) }, headers: headers, body)
  }

  /// With the headers that a seal adds.
  func sealed(checksum: Bool = true, signed: Bool = true) throws -> SampleRecord {
    var sealed = self
    guard let seal = RecordSeal(checksum: checksum, signer: signed ? SourceSigner(pem: TestKey.secret) : nil) else {
      return self
    }
    var bytes = 0
    try withFields { fields in
      try seal.forEachHeader(of: fields) { name, value in
        sealed.headers.append(("\(name)", String(decoding: value, as: UTF8.self)))
        bytes += name.utf8CodeUnitCount + value.count
      }
    }
    guard seal.headers == (sealed.headers.count - headers.count, bytes) else { throw WrongSize() }
    return sealed
  }

  struct WrongSize: Error {}

  subscript(name: String) -> String?? { headers.last { $0.name == name }.map(\.value) }
}
