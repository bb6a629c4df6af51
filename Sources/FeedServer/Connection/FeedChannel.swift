import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Sets up a connection: llhttp, ours, then what Hummingbird needs.
///
///     ShortWay          bytes in: plain pages; when did a request begin
///     HTTPRequestDecoder  llhttp
///     FrontDoor         pages, deadlines, limits, the end of the connection
///     HTTPResponseEncoder  for Hummingbird's answers only
///     ResponseObserver  answers out: when did one end
///     HTTP1ToHTTPServerCodec, NIOAsyncChannel  Hummingbird
struct FeedChannel: HTTPChannelHandler {
  struct Settings: Sendable {
    let limits: ConnectionLimits
    let core: FeedCore
    let metrics: HTTPMetrics
    /// The `listener` label of metrics.
    let listener: String
    let answersPagesDirectly: Bool
    let takesShortWay: Bool
  }

  typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

  let responder: HTTPChannelHandler.Responder
  let settings: Settings

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try Self.addFront(to: pipeline, settings, allocator: channel.allocator)
      try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
      return try NIOAsyncChannel(
        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
  }

  /// Everything between the socket and Hummingbird's own types.
  static func addFront(
    to pipeline: ChannelPipeline.SynchronousOperations, _ settings: Settings, allocator: ByteBufferAllocator
  ) throws {
    let door = FrontDoor(settings: settings)
    var limits = NIOHTTPDecoderLimitConfiguration()
    // llhttp's limits hold for the target as well; the door measures that one itself, to say which it was.
    limits.maxHeaderFieldSize = max(settings.limits.fieldsBytesMax, settings.limits.targetBytesMax + 1_024)
    limits.maxHeaderListSize = limits.maxHeaderFieldSize
    limits.maxHeaderFieldCount = settings.limits.fieldsMax
    let decoder = ByteToMessageHandler(
      HTTPRequestDecoder(
        leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits))
    try pipeline.addHandler(ShortWay(door: door, allocator: allocator))
    try pipeline.addHandler(decoder)
    try pipeline.addHandler(door)
    try pipeline.addHandler(HTTPResponseEncoder())
    try pipeline.addHandler(ResponseObserver(door: door))
  }

  func handle(value: Value, logger: Logger) async {
    await handleHTTP(asyncChannel: value, logger: logger)
  }
}

/// Tells the door when Hummingbird's answers begin and end, and lets them say whether the connection stays.
final class ResponseObserver: ChannelOutboundHandler {
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let door: FrontDoor
  private var closes = false

  init(door: FrontDoor) {
    self.door = door
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !door.isFinished else {
      promise?.fail(ChannelError.outputClosed)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(var head):
      door.isAnswering = true
      closes = head.headers["connection"].contains { RequestHead.equals($0, "close") }
      if let connection = door.connectionField(closes: closes) {
        head.headers.add(name: "Connection", value: connection)
        closes = connection == "close"
      }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body:
      context.write(data, promise: promise)
    case .end:
      context.write(data, promise: promise)
      door.answerEnded(closes: closes)
    }
  }
}
