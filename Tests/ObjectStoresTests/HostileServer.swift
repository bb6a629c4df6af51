import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server in this process that answers as a test tells it to, well or badly.
final class HostileServer: Sendable {
  struct Request: Sendable {
    var method: HTTPMethod
    /// With the query.
    var uri: String
    var headers: HTTPHeaders
    var body: [UInt8]

    var path: String { String(uri.prefix { $0 != "?" }) }
    var query: String { String(uri.dropFirst(path.count + 1)) }
  }

  enum Answer: Sendable {
    case status(Int, HTTPHeaders = [:], [UInt8] = [])
    /// The head announces this many bytes; the connection is cut behind the given ones.
    case cut(announced: Int, HTTPHeaders = [:], [UInt8], status: Int = 200)
    /// The connection is cut before any answer.
    case hangUp
    /// No answer, for as long as the client stays.
    case silence
    /// A good head, and a body without end.
    case endless
    /// Bytes that are not HTTP.
    case garbage([UInt8])

    static func text(_ status: Int, _ text: String, _ headers: HTTPHeaders = [:]) -> Answer {
      .status(status, headers, Array(text.utf8))
    }
  }

  typealias Script = @Sendable (_ request: Request, _ number: Int) -> Answer

  let port: Int
  private let channel: any Channel
  private let received: Received

  /// So many uploads are cut while they come in, behind their first 100,000 bytes.
  func cutUploads(_ count: Int) { received.uploadsToCut.withLock { $0 = count } }

  /// All requests so far.
  var requests: [Request] { received.requests.withLock { $0 } }
  var address: String { "http://127.0.0.1:\(port)" }

  /// - Parameter script: The answer to each request, counted from 1. Called on an event loop.
  static func run<Result>(
    tls: NIOSSLContext? = nil, _ script: @escaping Script, _ body: (HostileServer) async throws -> Result
  ) async throws -> Result {
    let server = try await HostileServer(tls: tls, script)
    do {
      let result = try await body(server)
      try await server.channel.close()
      return result
    } catch {
      try? await server.channel.close()
      throw error
    }
  }

  private init(tls: NIOSSLContext?, _ script: @escaping Script) async throws {
    let received = Received(script: script)
    self.received = received
    channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
          try channel.pipeline.syncOperations.addHandler(Handler(received))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  private final class Received: Sendable {
    let requests = Mutex<[Request]>([])
    let uploadsToCut = Mutex(0)
    let script: Script

    init(script: @escaping Script) { self.script = script }

    func cutsUpload() -> Bool {
      uploadsToCut.withLock { left in
        guard left > 0 else { return false }
        left -= 1
        return true
      }
    }

    func answer(to request: Request) -> Answer {
      let number = requests.withLock {
        $0.append(request)
        return $0.count
      }
      return script(request, number)
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let received: Received
    private var current: Request?

    init(_ received: Received) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        current = Request(method: head.method, uri: head.uri, headers: head.headers, body: [])
      case .body(let buffer):
        current?.body += buffer.readableBytesView
        if let bytes = current?.body.count, bytes > 100_000, received.cutsUpload() {
          current = nil
          context.close(promise: nil)
        }
      case .end:
        guard let request = current else { return }
        current = nil
        send(received.answer(to: request), to: request, context)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ answer: Answer, to request: Request, _ context: ChannelHandlerContext) {
      switch answer {
      case .status(let status, let headers, let body):
        var headers = headers
        if !headers.contains(name: "content-length") { headers.add(name: "Content-Length", value: "\(body.count)") }
        head(status, headers, context)
        if request.method != .HEAD { write(body, context) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      case .cut(let announced, let headers, let body, let status):
        var headers = headers
        headers.replaceOrAdd(name: "Content-Length", value: "\(announced)")
        head(status, headers, context)
        write(body, context)
        context.flush()
        let channel = context.channel
        context.eventLoop.execute { channel.close(promise: nil) }
      case .hangUp: context.close(promise: nil)
      case .silence: break
      case .endless:
        head(200, ["Transfer-Encoding": "chunked"], context)
        pour(context.channel)
      case .garbage(let bytes):
        let channel = context.channel
        // Past the encoder.
        _ = channel.pipeline.context(handlerType: HTTPResponseEncoder.self).map { encoder in
          encoder.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
          channel.close(promise: nil)
        }
      }
    }

    private func head(_ status: Int, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
      let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
      context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func write(_ body: [UInt8], _ context: ChannelHandlerContext) {
      guard !body.isEmpty else { return }
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
    }

    /// Sends for as long as there is a client.
    private func pour(_ channel: any Channel) {
      let chunk = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(repeating: 0x20, count: 64 * 1024)))
      @Sendable func more() { channel.writeAndFlush(chunk).whenSuccess { more() } }
      more()
    }
  }
}
