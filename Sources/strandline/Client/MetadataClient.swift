import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension FeedClient {
  /// Asks for the metadata of a queue, or changes it.
  /// - Parameter content: its media type and text; nil: none.
  /// - Returns: the document; nil where the answer has none.
  func metadata(
    _ method: HTTPMethod, _ target: String, _ content: (type: String, text: String)? = nil
  ) async throws(CommandFailure) -> [UInt8]? {
    var request = HTTPClientRequest(url: url + target)
    request.method = method
    request.headers.add(name: "Accept", value: "application/json, application/problem+json")
    request.headers.add(name: "User-Agent", value: "strandline/\(Strandline.version)")
    if let content {
      request.headers.add(name: "Content-Type", value: content.type)
      request.body = .bytes(ByteBuffer(string: content.text))
    }
    let status: Int
    let body: [UInt8]
    do {
      let response = try await Self.http.execute(request, timeout: Self.timeout)
      status = Int(response.status.code)
      body = Array(try await response.body.collect(upTo: 1 << 20).readableBytesView)
    } catch {
      throw CommandFailure(.unavailable, "the feed at \(url) gives no answer: \(Self.describe(error))")
    }
    guard (200..<300).contains(status) else {
      let detail = FeedReading.detail(body)
      throw CommandFailure(
        status >= 500 ? .unavailable : .failure, "the feed answers \(status)\(detail.isEmpty ? "" : ": \(detail)")")
    }
    return body.isEmpty ? nil : body
  }
}
