import Crypto
import NIOHTTP1

/// AWS Signature Version 4, in the `Authorization` header
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). Pure: same input, same output.
struct SignatureV4: Sendable {
  let region: String
  let service: String

  /// A request as it is signed. Path and query are those that are sent: both come from here.
  struct Request: Sendable {
    var method: HTTPMethod
    /// With the port, unless it is the scheme's own.
    var host: String
    /// Not encoded; begins with `/`. It is never normalised: S3 takes keys as they are.
    var path: String
    /// Not encoded, in any order. A name without a value has an empty one.
    var query: [(name: String, value: String)] = []
    /// Those to sign besides `host`; more may be sent.
    var headers: HTTPHeaders
    /// Hex, or `UNSIGNED-PAYLOAD`.
    var payloadSHA256: String
  }

  /// Of no bytes.
  static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  /// The `Authorization` header's value.
  func authorization(of request: Request, credentials: AWSCredentials, at time: WallTime) -> String {
    let stamp = time.basicText
    let scope = "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
    let (canonical, signedHeaders) = Self.canonical(request)
    let toSign = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(Hex.text(SHA256.hash(data: Array(canonical.utf8))))"
    let signature = Hex.text(hmac(toSign, key: signingKey(secret: credentials.secretKey, day: String(stamp.prefix(8)))))
    return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(signedHeaders), "
      + "Signature=\(signature)"
  }

  static func canonical(_ request: Request) -> (request: String, signedHeaders: String) {
    var byName: [String: [String]] = ["host": [request.host]]
    for (name, value) in request.headers { byName[name.lowercased(), default: []].append(collapsed(value)) }
    let names = byName.keys.sorted { ObjectKey.precedes($0, $1) }
    let headers = names.map { "\($0):\(byName[$0, default: []].joined(separator: ","))\n" }.joined()
    let signed = names.joined(separator: ";")
    return (
      """
      \(request.method.rawValue)
      \(encodedPath(request.path))
      \(encodedQuery(request.query))
      \(headers)
      \(signed)
      \(request.payloadSHA256)
      """, signed
    )
  }

  static func encodedPath(_ path: String) -> String { PercentEncoding.encoded(path, keepsSlash: true) }

  /// Sorted by the encoded names, then values.
  static func encodedQuery(_ query: [(name: String, value: String)]) -> String {
    query.map { (PercentEncoding.encoded($0.name), PercentEncoding.encoded($0.value)) }
      .sorted { ObjectKey.precedes($0.0, $1.0) || ($0.0 == $1.0 && ObjectKey.precedes($0.1, $1.1)) }
      .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  /// Without blanks at the ends, and one where several are.
  private static func collapsed(_ value: String) -> String {
    value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
  }

  private func signingKey(secret: String, day: String) -> [UInt8] {
    let dayKey = hmac(day, key: Array("AWS4\(secret)".utf8))
    return hmac("aws4_request", key: hmac(service, key: hmac(region, key: dayKey)))
  }

  private func hmac(_ text: String, key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
  }
}
