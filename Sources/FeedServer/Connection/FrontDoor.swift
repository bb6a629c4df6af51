import NIOCore
import NIOHTTP1

/// Stands between llhttp and Hummingbird: answers pages itself, on the event loop; lets everything else through; and
/// keeps the rules of the connection for both: deadlines, limits, faults, keep-alive, and its end.
///
/// HTTP/1.1 answers go out in the order of the requests. So a page is answered here only while no request is under
/// way in Hummingbird; else it goes through too, and Hummingbird answers it in its turn.
final class FrontDoor: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  /// Where the parts of the request being read go.
  enum Reading {
    case nothing
    /// To Hummingbird.
    case passing
    /// Nowhere: it is answered already.
    case skipping
  }

  let settings: FeedChannel.Settings
  var context: ChannelHandlerContext?
  var deadlines: ConnectionDeadlines
  var date = HTTPDate()

  var reading = Reading.nothing
  /// Requests passed on whose answer has not ended: of each, whether it is one of HTTP/1.0 that keeps the connection,
  /// which its answer has to say.
  var passed = CircularBuffer<Bool>()
  /// Whether the head of an answer of Hummingbird's has gone out, and not yet its end.
  var isAnswering = false
  /// Heads, and what follows them, that wait for the client to read what it was sent.
  var held = CircularBuffer<HTTPServerRequestPart>()
  var isReadHeld = false
  var isReleasing = false
  /// A fault of the input that is to be answered once everything before it is.
  var fault: Problem?
  var hasFlushDue = false

  /// No request after this one is read: the client said so, or its input ended, or the node shuts down.
  var isLastRequest = false
  /// The last answer is out; what still comes in is thrown away, what still would go out too.
  var isFinished = false
  /// The same of the head that came last.
  var isOldKeepAlive = false

  var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  var isClosed = false
  /// The channel's, as it last said: whether the client reads what it is sent.
  private(set) var isWritable = true
  /// Bytes handed to the channel, and of those the ones the client had taken when that was last looked at.
  var bytesWritten = 0
  var bytesTaken = 0
  /// Bytes of the request line being read, as far as that can be told before llhttp has: which of two limits it was.
  var lineBytes = 0
  var sawLineEnd = false
  private var beganHead = false
  private let connections: PrometheusGauge

  init(settings: FeedChannel.Settings) {
    self.settings = settings
    deadlines = ConnectionDeadlines(limits: settings.limits, now: .now())
    connections = settings.metrics.connections(listener: settings.listener)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    connections.increment(by: 1)
    deadlines.wait(for: .request, now: .now())
    schedule()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    connections.decrement(by: 1)
    timer?.task.cancel()
    timer = nil
    self.context = nil
  }

  // MARK: Input

  /// Whether nothing is under way or waits to be, and the connection goes on: what comes next may be answered at once.
  var isIdle: Bool {
    guard case .nothing = reading else { return false }
    return passed.isEmpty && held.isEmpty && fault == nil && !isLastRequest && !isFinished
  }

  /// Told by ``ShortWay`` before llhttp sees the bytes.
  func bytesArrived(_ bytes: ByteBuffer) {
    if deadlines.waiting == .request { deadlines.wait(for: .head, now: .now()) }
    beganHead = false
    guard !sawLineEnd else { return }
    let view = bytes.readableBytesView
    let end = view.firstIndex(of: 0x0A)
    lineBytes += view.distance(from: view.startIndex, to: end ?? view.endIndex)
    sawLineEnd = end != nil
  }

  /// Told by ``ShortWay`` when llhttp has seen the bytes: behind the last head in them another may have begun.
  func bytesRead(_ bytes: ByteBuffer) {
    guard beganHead, !sawLineEnd else { return }
    let view = bytes.readableBytesView
    guard let end = view.lastIndex(of: 0x0A) else { return }
    // An empty line ends a head; any other is one of the new head.
    sawLineEnd = !view[...end].suffix(4).elementsEqual("\r\n\r\n".utf8)
    lineBytes = view.distance(from: end, to: view.endIndex) - 1
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isFinished else { return }
    let part = unwrapInboundIn(data)
    if !held.isEmpty || (part.isHead && !context.channel.isWritable) {
      held.append(part)
    } else {
      take(part, context)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if hasFlushDue {
      hasFlushDue = false
      context.flush()
    }
    release(context)
    schedule()
    if isFinished { context.read() }
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if held.isEmpty { context.read() } else { isReadHeld = true }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    deadlines.setWritable(isWritable, now: .now())
    release(context)
    schedule()
    context.fireChannelWritabilityChanged()
  }

  /// Takes what was held back, as far as the client reads what it is sent.
  private func release(_ context: ChannelHandlerContext) {
    // Flushing tells of writability, which comes back here.
    guard !isReleasing, !held.isEmpty else { return }
    isReleasing = true
    defer { isReleasing = false }
    while !isFinished, let part = held.first, !part.isHead || context.channel.isWritable {
      held.removeFirst()
      take(part, context)
      if hasFlushDue, held.isEmpty || !context.channel.isWritable {
        hasFlushDue = false
        context.flush()
      }
    }
    if isFinished { held.removeAll() }
    guard held.isEmpty else { return }
    settle(context)
    if isReadHeld {
      isReadHeld = false
      context.read()
    }
  }

  private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      guard !isLastRequest else {
        reading = .skipping
        return
      }
      sawLineEnd = false
      lineBytes = 0
      beganHead = true
      begin(head, context)
    case .body:
      if reading == .passing { context.fireChannelRead(wrapInboundOut(part)) }
    case .end:
      if reading == .passing { context.fireChannelRead(wrapInboundOut(part)) }
      reading = .nothing
      deadlines.wait(for: passed.isEmpty ? .request : .nothing, now: .now())
      settle(context)
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let request = RequestHead(head)
    isLastRequest = !head.isKeepAlive || request.wantsUpgrade
    isOldKeepAlive = head.isKeepAlive && head.version.isBefore11
    if let problem = refusal(of: head, request) {
      reading = .skipping
      return report(problem, context)
    }
    if settings.core.budget.isSpent, !request.isOperational {
      reading = .skipping
      return report(.overloaded, context)
    }
    if settings.answersPagesDirectly, passed.isEmpty, !request.hasContent, answerPage(request.request, context) {
      reading = .skipping
      hasFlushDue = true
      return
    }
    reading = .passing
    passed.append(isOldKeepAlive)
    deadlines.wait(for: .content, now: .now())
    if request.wantsContinue, request.hasContent, passed.count == 1,
      request.request.contentLength ?? 0 <= PostResponder.contentBytesMax
    {
      context.writeAndFlush(
        wrapOutboundOut(.byteBuffer(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))), promise: nil)
    }
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  private func refusal(of head: HTTPRequestHead, _ request: RequestHead) -> Problem? {
    if head.uri.utf8.count > settings.limits.targetBytesMax {
      return .targetTooLong(bytesMax: settings.limits.targetBytesMax)
    }
    if head.method == .CONNECT || (!head.version.isBefore11 && request.hostCount != 1) { return .malformed }
    return nil
  }
}

extension HTTPVersion {
  fileprivate var isBefore11: Bool { (major, minor) < (1, 1) }
}

extension HTTPServerRequestPart {
  fileprivate var isHead: Bool { if case .head = self { true } else { false } }
}
