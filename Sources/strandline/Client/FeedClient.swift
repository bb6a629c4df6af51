import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Reads a feed over HTTP.
struct FeedClient: Sendable {
  /// How long an answer may take.
  static let timeout: TimeAmount = .seconds(60)

  /// How long a connection may take to come about.
  static let connectTimeout: TimeAmount = .seconds(5)

  /// Its own client: the shared one tries a connection that is refused again and again until the answer's time is up,
  /// and says nothing all the while. Lives as long as the process.
  static let http: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.timeout.connect = connectTimeout
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  /// `http://host:port`, without a slash at the end.
  let url: String

  /// - Parameter target: path and query
  func read(_ target: String) async -> FeedReading {
    var request = HTTPClientRequest(url: url + target)
    request.headers.add(name: "Accept", value: "application/json, application/problem+json")
    request.headers.add(name: "User-Agent", value: "strandline/\(Strandline.version)")
    do {
      let response = try await Self.http.execute(request, timeout: Self.timeout)
      let body = try await response.body.collect(upTo: FeedPage.bytesMax)
      return FeedReading(
        status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After"),
        link: response.headers.first(name: "Link"), missing: response.headers.first(name: "Strandline-Missing"),
        body: Array(body.readableBytesView))
    } catch is NIOTooManyBytesError {
      return .refused(status: 200, detail: "the page is larger than \(FeedPage.bytesMax) bytes")
    } catch let error as HTTPClientError where error == .invalidURL || error == .emptyHost {
      return .refused(status: 400, detail: "the address \(url) is not valid")
    } catch {
      if url.hasPrefix("https:"), let fault = Self.faultOfTLS(error) { return .wrongAddress(fault) }
      return .lost(Self.describe(error))
    }
  }

  /// The content of a 200, whatever it is; or why there is none.
  func text(_ target: String) async -> Result<[UInt8], FeedFault> {
    do {
      let response = try await Self.http.execute(HTTPClientRequest(url: url + target), timeout: .seconds(10))
      let body = try await response.body.collect(upTo: 1 << 20)
      guard response.status == .ok else { return .failure(FeedFault("it answers \(response.status.code)")) }
      return .success(Array(body.readableBytesView))
    } catch { return .failure(FeedFault(Self.describe(error))) }
  }

  /// What is wrong with TLS at that address; nil when it is something else. By the words of the error: its type is of a
  /// library below the client.
  private static func faultOfTLS(_ error: any Error) -> String? {
    let text = "\(error)"
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
      return "this machine does not trust the certificate of the feed"
    }
    let isTLS = ["handshake", "SSL", "TLS", "uncleanShutdown"].contains { text.contains($0) }
    return isTLS ? "the feed does not speak TLS at that address; try http://" : nil
  }

  /// A failed connection, told by what the system said of it. The library's own text also names lines of its source.
  private static func describe(connecting text: String) -> String {
    if text.contains("DNS error") || text.contains("dnsAError") { return "the name of its host is not known" }
    let known = [ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EPIPE].map {
      String(cString: strerror($0))
    }
    if let reason = known.first(where: { text.contains($0) }) { return reason }
    return text.contains("onnectTimeout")
      ? "no connection within \(connectTimeout.nanoseconds / 1_000_000_000) s" : "no connection"
  }

  static func describe(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as HTTPClientError: error.shortDescription
    default: describe(connecting: "\(error)")
    }
  }
}
