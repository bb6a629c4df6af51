import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// One try of one request.
struct StoreRequest: Sendable {
  var operation: StoreOperation
  var method: HTTPMethod
  var url: String
  var headers: HTTPHeaders
  var body: HTTPClientRequest.Body?
  /// Of the body, for the time it is given.
  var bodyBytes: Int64 = 0
}

/// A whole answer.
struct StoreAnswer: Sendable {
  var status: Int
  var headers: HTTPHeaders
  var body: [UInt8]
}

/// The HTTP client of one store: bounded in time and memory, follows no redirect, repeats nothing by itself.
final class Transport: Sendable {
  /// A page of 1,000 keys of 1 KiB, escaped, has some 3 MB.
  static let answerBytesMax = 8 * 1024 * 1024
  /// Slower connections than this are given up: 2 minutes, and a second for each of these.
  private static let bytesPerSecondMin: Int64 = 32 * 1024

  private let client: HTTPClient
  private let metrics: StoreMetrics
  private let isClosed = Atomic(false)

  /// - Parameter trustRoots: Authorities to trust instead of the system's.
  init(limits: ObjectStoreLimits, trustRoots: [NIOSSLCertificate]?, metrics: StoreMetrics) {
    self.metrics = metrics
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout = .init(
      connect: .seconds(Int64(limits.connectTimeoutSeconds)), read: .seconds(Int64(limits.idleTimeoutSeconds)),
      write: .seconds(Int64(limits.idleTimeoutSeconds)))
    configuration.httpVersion = .http1Only
    configuration.connectionPool.retryConnectionEstablishment = false
    if let trustRoots {
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.trustRoots = .certificates(trustRoots)
      configuration.tlsConfiguration = tls
    }
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// The certificates in the PEM file that a variable names; nil when it is not set.
  static func trustRoots(
    _ variable: String, in environment: [String: String]
  ) throws(ObjectStoreError) -> [NIOSSLCertificate]? {
    guard let path = environment.value(variable) else { return nil }
    guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "\(variable) is set to '\(ObjectKey.shown(path))', which is no file of PEM certificates "
          + "that can be read")
    }
    return certificates
  }

  /// A client that is let go of without a shutdown ends the process in debug builds.
  deinit { if !isClosed.load(ordering: .acquiring) { client.shutdown { _ in } } }

  func close() async {
    guard isClosed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
      return
    }
    try? await client.shutdown().get()
  }

  /// Sends the request and collects the whole answer, whatever its status.
  func send(_ request: StoreRequest) async throws(AttemptFailure) -> StoreAnswer {
    let seconds = 120 + request.bodyBytes / Self.bytesPerSecondMin
    let (client, prepared) = (client, request.prepared)
    do {
      let answer = try await withDeadline(.seconds(seconds)) {
        let response = try await client.execute(prepared, timeout: .seconds(seconds))
        let body = try await response.body.collect(upTo: Self.answerBytesMax)
        return StoreAnswer(
          status: Int(response.status.code), headers: response.headers, body: Array(body.readableBytesView))
      }
      metrics.countRequest(request.operation, RequestOutcome(status: answer.status))
      if request.bodyBytes > 0, answer.status < 300 { metrics.countSent(bytes: request.bodyBytes) }
      return answer
    } catch {
      metrics.countRequest(request.operation, .noAnswer)
      throw AttemptFailure(transport: error, host: request.host)
    }
  }

  /// Sends the request and gives the answer with its body still to come.
  func open(_ request: StoreRequest) async throws(AttemptFailure) -> HTTPClientResponse {
    do {
      let response = try await client.execute(request.prepared, timeout: .seconds(120))
      metrics.countRequest(request.operation, RequestOutcome(status: Int(response.status.code)))
      return response
    } catch {
      metrics.countRequest(request.operation, .noAnswer)
      throw AttemptFailure(transport: error, host: request.host)
    }
  }

  func countReceived(bytes: Int64) { metrics.countReceived(bytes: bytes) }
}

extension StoreRequest {
  fileprivate var prepared: HTTPClientRequest {
    var prepared = HTTPClientRequest(url: url)
    prepared.method = method
    prepared.headers = headers
    prepared.body = body
    return prepared
  }

  /// For messages: scheme, host and port.
  var host: String {
    guard let scheme = url.firstRange(of: "://") else { return "the store" }
    return String(url[..<(url[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex)])
  }
}

extension StoreAnswer {
  /// The answer to a request whose body nobody will read; for errors in the middle of a download.
  init(head: HTTPClientResponse, body: [UInt8]) {
    self.init(status: Int(head.status.code), headers: head.headers, body: body)
  }

  func header(_ name: String) -> String? { headers.first(name: name) }

  /// How long the server asks to be left alone: seconds, or a date.
  func retryAfter(now: WallTime) -> Duration? {
    guard let text = header("retry-after") else { return nil }
    if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, 1_000_000)) }
    guard let date = WallTime(httpDate: text) else { return nil }
    return .seconds(min(max(0, date.seconds - now.seconds), 1_000_000))
  }

  /// What the store calls this request in its own logs, for its operators; nil when it is not a plain word.
  var requestID: String? {
    let names = ["x-amz-request-id", "x-openstack-request-id", "x-trans-id"]
    return names.lazy.compactMap { header($0) }.first { $0.utf8.count <= 64 && $0.utf8.allSatisfy(isWordByte) }
  }
}

func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
    true
  default: false
  }
}

/// - Throws: What `work` throws, or ``DeadlineExceeded``; `work` is cancelled then.
func withDeadline<Result: Sendable>(
  _ duration: Duration, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask { try await work() }
    group.addTask {
      try await Task.sleep(for: duration)
      throw DeadlineExceeded()
    }
    defer { group.cancelAll() }
    guard let result = try await group.next() else { throw DeadlineExceeded() }
    return result
  }
}

struct DeadlineExceeded: Error {}
