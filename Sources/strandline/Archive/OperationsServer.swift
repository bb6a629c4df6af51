import FeedServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Answers `/livez`, `/readyz` and `/metrics` for a process that has no feed. One request a connection.
struct OperationsServer: Service {
  /// A client that says nothing is let go.
  static let idleTimeout: TimeAmount = .seconds(30)

  let address: NetworkAddress
  let registry: PrometheusRegistry
  let checks: @Sendable () -> [ReadinessCheck]
  let logger: Logger

  func run() async throws {
    let answer: @Sendable (String) -> OperationsAnswer = { path in
      switch path {
      case "/livez": OperationsAnswer(status: .ok, text: "ok\n")
      case "/readyz": OperationsAnswer(checks())
      case "/metrics":
        OperationsAnswer(status: .ok, text: registry.render(), contentType: PrometheusRegistry.contentType)
      default: OperationsAnswer(status: .notFound, text: "there are /livez, /readyz and /metrics\n")
      }
    }
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: Self.idleTimeout))
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
          try channel.pipeline.syncOperations.addHandler(OperationsHandler(answer: answer))
        }
      }
      .bind(host: address.bindHost, port: address.port).get()
    logger.info(
      "Answers operators",
      metadata: ["port": "\(channel.localAddress?.port ?? address.port)", "paths": "/livez /readyz /metrics"])
    try? await gracefulShutdown()
    try? await channel.close()
  }
}

private struct OperationsAnswer: Sendable {
  var status: HTTPResponseStatus
  var text: String
  var contentType = "text/plain; charset=utf-8"

  init(status: HTTPResponseStatus, text: String, contentType: String = "text/plain; charset=utf-8") {
    (self.status, self.text, self.contentType) = (status, text, contentType)
  }

  /// Kubernetes's form: a line for each check.
  init(_ checks: [ReadinessCheck]) {
    let isReady = checks.allSatisfy(\.isReady)
    let lines = checks.map { check in
      check.isReady
        ? "[+]\(check.name) ok\n"
        : "[-]\(check.name) failed: \(check.detail.split(whereSeparator: \.isNewline).joined(separator: " "))\n"
    }
    self.init(
      status: isReady ? .ok : .serviceUnavailable,
      text: lines.joined() + "readyz check \(isReady ? "passed" : "failed")\n")
  }
}

private final class OperationsHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: @Sendable (String) -> OperationsAnswer
  private var path: String?

  init(answer: @escaping @Sendable (String) -> OperationsAnswer) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): path = String(head.uri.prefix { $0 != "?" })
    case .body: break
    case .end:
      let answer = answer(path ?? "")
      let body = ByteBuffer(string: answer.text)
      let headers: HTTPHeaders = [
        "Content-Type": answer.contentType, "Content-Length": "\(body.readableBytes)", "Cache-Control": "no-store",
        "Connection": "close",
      ]
      context.write(
        wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))),
        promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
      // Closed when all of it has left: metrics are longer than a socket's buffer may be.
      let sent = context.eventLoop.makePromise(of: Void.self)
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      sent.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
