import Foundation
import NIOHTTP1
import Testing

@testable import ObjectStores

@Suite("AWS signatures")
struct SignatureTests {
  struct Case: Decodable {
    var accessKeyID, secretKey, region, service, time, host, method, path: String
    var query, headers: [[String]]
    var payloadSHA256, signedHeaders, signature: String
  }

  @Test("are those that AWS has published", arguments: try Fixture.names(in: "sigv4", ending: ".json"))
  func published(_ name: String) throws {
    let fixture = try JSONDecoder().decode(Case.self, from: Fixture.data("sigv4/\(name)"))
    let time = try #require(WallTime(extended: fixture.time))
    let request = SignatureV4.Request(
      method: HTTPMethod(rawValue: fixture.method), host: fixture.host, path: fixture.path,
      query: fixture.query.map { (name: $0[0], value: $0[1]) },
      headers: HTTPHeaders(fixture.headers.map { ($0[0], $0[1]) }), payloadSHA256: fixture.payloadSHA256)
    let authorization = SignatureV4(region: fixture.region, service: fixture.service).authorization(
      of: request, credentials: AWSCredentials(accessKeyID: fixture.accessKeyID, secretKey: fixture.secretKey), at: time
    )
    let scope = "\(time.basicText.prefix(8))/\(fixture.region)/\(fixture.service)/aws4_request"
    #expect(
      authorization
        == "AWS4-HMAC-SHA256 Credential=\(fixture.accessKeyID)/\(scope), SignedHeaders=\(fixture.signedHeaders), "
        + "Signature=\(fixture.signature)")
  }

  @Test("all published examples are there")
  func complete() throws {
    #expect(try Fixture.names(in: "sigv4", ending: ".json").count == 13)
  }

  @Test("a path is encoded once and never normalised; of a query, the encoded names are sorted")
  func encoding() {
    #expect(SignatureV4.encodedPath("/b/a b/+/%/ü/../~_-.") == "/b/a%20b/%2B/%25/%C3%BC/../~_-.")
    #expect(SignatureV4.encodedQuery([("b", "2 /"), ("a", ""), ("b", "1")]) == "a=&b=1&b=2%20%2F")
  }

  @Test("credentials do not show themselves")
  func hidden() {
    let credentials = AWSCredentials(accessKeyID: "AKID", secretKey: "hunter2", sessionToken: "token3")
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in [
      "\(credentials)", String(reflecting: credentials), dumped, "\(AWSCredentialSource.fixed(credentials))",
    ] {
      #expect(!text.contains("hunter2") && !text.contains("token3"))
    }
  }
}

enum Fixture {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures")

  static func data(_ path: String) throws -> Data { try Data(contentsOf: folder.appending(path: path)) }

  static func names(in path: String, ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path)
      .filter { $0.hasSuffix(ending) }.sorted()
  }
}
