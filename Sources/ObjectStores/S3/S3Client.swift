import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Signed requests to one bucket, one try each; what an answer means beyond its status is for the caller.
struct S3Client: Sendable {
  let address: S3Address
  let credentials: AWSCredentialCache
  let transport: Transport
  let clock: StoreClock
  let logger: Logger
  /// What to add to our clock so that the store accepts it.
  let clockOffset = ClockOffset()

  struct Request: Sendable {
    var operation: StoreOperation
    var method: HTTPMethod
    /// Relative to the prefix; nil: of the bucket.
    var key: String?
    var query: [(name: String, value: String)] = []
    /// Signed as well.
    var headers: HTTPHeaders = [:]
    var payloadSHA256 = SignatureV4.emptySHA256
    var body: HTTPClientRequest.Body?
    var bodyBytes: Int64 = 0
  }

  /// - Parameter expected: Statuses to return besides those of success.
  /// - Throws: For all other statuses, with what they mean.
  func send(_ request: Request, expecting expected: Set<Int> = []) async throws(AttemptFailure) -> StoreAnswer {
    let (prepared, used) = try await sign(request)
    let answer = try await transport.send(prepared)
    if answer.status < 300 { await credentials.accepted(used) }
    if (200..<300).contains(answer.status) || expected.contains(answer.status) { return answer }
    throw await judge(answer, used)
  }

  /// The answer's body is still to come; statuses 200 and 206 only.
  func open(_ request: Request) async throws(AttemptFailure) -> HTTPClientResponse {
    let (prepared, used) = try await sign(request)
    let response = try await transport.open(prepared)
    if response.status == .ok || response.status == .partialContent { return response }
    let body = (try? await withDeadline(.seconds(30)) { try await response.body.collect(upTo: 64 * 1024) }) ?? .init()
    throw await judge(StoreAnswer(head: response, body: Array(body.readableBytesView)), used)
  }

  /// What an answer that is not wanted means, with its remedy applied.
  func judge(_ answer: StoreAnswer, code: String? = nil, _ used: AWSCredentials? = nil) async -> AttemptFailure {
    let failures = S3Failures(address: address)
    var (failure, remedy) = failures.failure(
      status: answer.status, code: code ?? S3Failures.code(of: answer), answer: answer, now: clock.now())
    switch remedy {
    case .none: break
    case .newCredentials:
      if let used, await credentials.refused(used) { failure.next = .tryAgain }
    case .clockCorrection:
      if let date = answer.header("date").flatMap({ WallTime(httpDate: $0) }) {
        let offset = date.seconds &- clock.now().seconds
        if clockOffset.correct(to: offset) {
          logger.warning(
            "this machine's clock and the object store's differ; requests are signed by the store's",
            metadata: ["store": "\(address.location)", "seconds": "\(offset)"])
          failure.next = .tryNow
        }
      }
    }
    return failure
  }

  private func sign(_ request: Request) async throws(AttemptFailure) -> (StoreRequest, AWSCredentials) {
    let credentials: AWSCredentials
    do throws(ObjectStoreError) {
      credentials = try await self.credentials.credentials()
    } catch {
      // Asked for often enough by its own source.
      throw AttemptFailure(error, next: .giveUp, reason: "credentials")
    }
    let time = clock.now().adding(seconds: clockOffset.seconds)
    var headers = request.headers
    headers.add(name: "x-amz-date", value: time.basicText)
    headers.add(name: "x-amz-content-sha256", value: request.payloadSHA256)
    if let token = credentials.sessionToken { headers.add(name: "x-amz-security-token", value: token) }
    let path = address.path(ofKey: request.key)
    let authorization = SignatureV4(region: address.region, service: "s3").authorization(
      of: .init(
        method: request.method, host: address.host, path: path, query: request.query, headers: headers,
        payloadSHA256: request.payloadSHA256), credentials: credentials, at: time)
    headers.add(name: "Authorization", value: authorization)
    headers.add(name: "Host", value: address.host)
    let query = SignatureV4.encodedQuery(request.query)
    let url = address.scheme + address.host + SignatureV4.encodedPath(path) + (query.isEmpty ? "" : "?\(query)")
    let prepared = StoreRequest(
      operation: request.operation, method: request.method, url: url, headers: headers, body: request.body,
      bodyBytes: request.bodyBytes)
    return (prepared, credentials)
  }
}

/// The store's clock less ours, once the store has complained.
final class ClockOffset: Sendable {
  private let value = Mutex<Int64>(0)

  var seconds: Int64 { value.withLock { $0 } }

  /// - Returns: Whether it is news: the same correction twice would not help.
  func correct(to seconds: Int64) -> Bool {
    value.withLock { value in
      guard abs(Double(value) - Double(seconds)) > 60 else { return false }
      value = seconds
      return true
    }
  }
}
