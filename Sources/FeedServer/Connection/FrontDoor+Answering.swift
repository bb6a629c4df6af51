import NIOCore
import NIOHTTP1

/// Answers written straight onto the channel, byte for byte as Hummingbird's way would write them.
extension FrontDoor {
  /// Answers the request if it is one for a page.
  func answerPage(_ request: FeedRequest, _ context: ChannelHandlerContext) -> Bool {
    guard request.method == "GET" || request.method == "HEAD", Self.maybePage(request.target) else { return false }
    let start = NIODeadline.now()
    // A target in absolute form, or one with names the router has to look at more closely, goes the long way.
    guard case .answer(let answer, let route) = settings.core.begin(request) else { return false }
    write(answer, context)
    settings.metrics.record(
      route: route, code: answer.status, nanoseconds: (NIODeadline.now() - start).nanoseconds)
    return true
  }

  /// Whether the path ends in `/actions`: then it is a page, a list of ids, or an error of one of these.
  private static func maybePage(_ target: String) -> Bool {
    guard target.utf8.first == 0x2F else { return false }
    var path = target.utf8[...]
    if let question = path.firstIndex(of: 0x3F) { path = path[..<question] }
    return path.suffix(8).elementsEqual("/actions".utf8) && !path.contains(0x23)
  }

  /// Answers a fault of the connection.
  func answer(_ problem: Problem, _ context: ChannelHandlerContext) {
    let requestID = RequestID.make(from: nil)
    var answer = problem.answer(instance: "", requestID: requestID)
    answer.add("X-Request-Id", requestID)
    write(answer, context)
    settings.metrics.record(route: nil, code: answer.status, nanoseconds: 0)
  }

  private func write(_ answer: FeedAnswer, _ context: ChannelHandlerContext) {
    var head = context.channel.allocator.buffer(capacity: 512)
    let status = HTTPResponseStatus(statusCode: answer.status)
    head.writeStaticString("HTTP/1.1 ")
    head.writeString(String(answer.status))
    head.writeStaticString(" ")
    head.writeString(status.reasonPhrase)
    head.writeStaticString("\r\n")
    for (name, value) in answer.fields {
      head.writeString(name)
      head.writeStaticString(": ")
      head.writeString(value)
      head.writeStaticString("\r\n")
    }
    head.writeStaticString("Date: ")
    head.writeString(date.text(secondsSince1970: settings.core.wallSeconds()))
    head.writeStaticString("\r\n")
    if let connection = connectionField(closes: answer.closesConnection) {
      head.writeStaticString("Connection: ")
      head.writeString(connection)
      head.writeStaticString("\r\n")
    }
    head.writeStaticString("\r\n")
    write(head, context)
    if let body = answer.body { write(body, context) }
  }

  /// What an answer has to add about the connection: that it ends, or, for HTTP/1.0, that it does not.
  /// - Parameter closes: whether the answer says so itself.
  func connectionField(closes: Bool) -> String? {
    if closes { return nil }
    if isLastRequest, passed.count <= 1, fault == nil { return "close" }
    return passed.first ?? isOldKeepAlive ? "keep-alive" : nil
  }
}
