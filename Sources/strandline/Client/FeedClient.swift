import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Reads a feed over HTTP.
struct FeedClient: Sendable {
  /// How long an answer may take.
  static let timeout: TimeAmount = .seconds(60)

  /// `http://host:port`, without a slash at the end.
  let url: String

  /// - Parameter target: path and query
  func read(_ target: String) async -> FeedReading {
    var request = HTTPClientRequest(url: url + target)
    request.headers.add(name: "Accept", value: "application/json, application/problem+json")
    request.headers.add(name: "User-Agent", value: "strandline/\(Strandline.version)")
    do {
      let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
      let body = try await response.body.collect(upTo: FeedPage.bytesMax)
      return FeedReading(
        status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After"),
        link: response.headers.first(name: "Link"), body: Array(body.readableBytesView))
    } catch is NIOTooManyBytesError {
      return .refused(status: 200, detail: "the page is larger than \(FeedPage.bytesMax) bytes")
    } catch let error as HTTPClientError where error == .invalidURL || error == .emptyHost {
      return .refused(status: 400, detail: "the address \(url) is not valid")
    } catch {
      return .lost(Self.describe(error))
    }
  }

  private static func describe(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as HTTPClientError: error.shortDescription
    default: "\(error)"
    }
  }
}
