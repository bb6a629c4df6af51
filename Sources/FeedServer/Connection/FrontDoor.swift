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
  /// Requests passed on whose answer has not ended.
  var underWay = 0
  /// Whether the head of an answer of Hummingbird's has gone out, and not yet its end.
  var isAnswering = false
  /// Heads, and what follows them, that wait for the client to read what it was sent.
  private var held = CircularBuffer<HTTPServerRequestPart>()
  private var isReadHeld = false
  private var isReleasing = false
  /// A fault of the input that is to be answered once everything before it is.
  private(set) var fault: Problem?
  private var hasFlushDue = false

  /// No request after this one is read: the client said so, or its input ended, or the node shuts down.
  var isLastRequest = false
  /// The last answer is out; what still comes in is thrown away, what still would go out too.
  private(set) var isFinished = false
  /// The head that came last: an answer to HTTP/1.0 has to say that the connection stays.
  var isOldKeepAlive = false

  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var isClosed = false
  /// Bytes handed to the channel, and of those the ones the client had taken when that was last looked at.
  private var bytesWritten = 0
  private var bytesTaken = 0
  /// Bytes of the request line being read, as far as that can be told before llhttp has: which of two limits it was.
  private var lineBytes = 0
  private var sawLineEnd = false
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

  /// Told by ``ArrivalObserver`` before llhttp sees the bytes.
  func bytesArrived(_ bytes: ByteBuffer) {
    if deadlines.waiting == .request { deadlines.wait(for: .head, now: .now()) }
    guard !sawLineEnd else { return }
    let view = bytes.readableBytesView
    let end = view.firstIndex(of: 0x0A)
    lineBytes += view.distance(from: view.startIndex, to: end ?? view.endIndex)
    sawLineEnd = end != nil
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
    deadlines.setWritable(context.channel.isWritable, now: .now())
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
      begin(head, context)
    case .body:
      if reading == .passing { context.fireChannelRead(wrapInboundOut(part)) }
    case .end:
      if reading == .passing { context.fireChannelRead(wrapInboundOut(part)) }
      reading = .nothing
      deadlines.wait(for: underWay == 0 ? .request : .nothing, now: .now())
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
    if settings.answersPagesDirectly, underWay == 0, !request.hasContent, answerPage(request.request, context) {
      reading = .skipping
      hasFlushDue = true
      return
    }
    reading = .passing
    underWay += 1
    deadlines.wait(for: .content, now: .now())
    if request.wantsContinue, underWay == 1, request.request.contentLength ?? 0 <= PostResponder.contentBytesMax {
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

  // MARK: Output

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .byteBuffer(let bytes) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
    write(bytes, context, promise: promise)
  }

  /// Writes bytes and counts them: what a client leaves unread is bounded, for all of them together.
  func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
    let count = bytes.readableBytes
    bytesWritten &+= count
    guard count >= settings.limits.writeBytesMin else {
      return context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
    }
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    let budget = settings.core.budget
    budget.take(count)
    written.futureResult.whenComplete { _ in budget.release(count) }
    context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: written)
  }

  /// Whether the client has taken enough of what it was sent since this was last asked.
  private func hasProgressed(_ context: ChannelHandlerContext) -> Bool {
    let buffered = try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)
    let taken = bytesWritten &- (buffered ?? bytesWritten)
    defer { bytesTaken = taken }
    return taken &- bytesTaken >= settings.limits.writeBytesMin
  }

  // MARK: Faults and ends

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else {
      context.fireErrorCaught(error)
      return
    }
    guard !isFinished, !isLastRequest || reading == .passing else { return }
    let limits = settings.limits
    let problem: Problem =
      switch error {
      case .headerOverflow where lineBytes > limits.targetBytesMax: .targetTooLong(bytesMax: limits.targetBytesMax)
      case .headerOverflow: .fieldsTooLarge(bytesMax: limits.fieldsBytesMax)
      default: .malformed
      }
    report(problem, context)
  }

  /// Ends the connection with a problem, after the answers that are due before it.
  func report(_ problem: Problem, _ context: ChannelHandlerContext) {
    isLastRequest = true
    if reading == .passing {
      // The request at fault is under way itself: Hummingbird waits for the rest of it.
      guard underWay == 1, !isAnswering else { return finish(context, lingers: false) }
      underWay = 0
      reading = .skipping
    }
    fault = problem
    settle(context)
  }

  /// Does what was to be done once nothing is under way.
  private func settle(_ context: ChannelHandlerContext) {
    guard underWay == 0, held.isEmpty, !isFinished else { return }
    if let problem = fault {
      fault = nil
      answer(problem, context)
      finish(context, lingers: true)
    } else if isLastRequest, reading == .nothing {
      finish(context, lingers: false)
    }
  }

  /// Told by ``ResponseObserver`` when Hummingbird has written the end of an answer.
  func answerEnded(closes: Bool) {
    guard let context, !isFinished else { return }
    isAnswering = false
    underWay = max(0, underWay - 1)
    if closes {
      // What follows was not read, or is not to be.
      isLastRequest = true
      held.removeAll()
      return finish(context, lingers: reading == .passing)
    }
    if underWay == 0, reading == .nothing { deadlines.wait(for: .request, now: .now()) }
    settle(context)
    schedule()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent:
      deadlines.beginDraining(now: .now())
      isLastRequest = true
      settle(context)
      schedule()
    case ChannelEvent.inputClosed where isFinished:
      // While the last answer is still going out, its end closes.
      if deadlines.isLingering { close(context) }
    case ChannelEvent.inputClosed where underWay == 0:
      // Hummingbird, told of it, would close at once, and take back what the client has not read yet.
      isLastRequest = true
      if reading != .nothing { reading = .nothing }
      if held.isEmpty { settle(context) }
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  /// Closes once everything written has gone out.
  /// - Parameter lingers: half-closes first and throws away what the client still sends, since closing with input
  ///   unread makes the system take the answer back.
  func finish(_ context: ChannelHandlerContext, lingers: Bool) {
    guard !isFinished else { return }
    isFinished = true
    held.removeAll()
    deadlines.wait(for: .nothing, now: .now())
    deadlines.beginFlushing(now: .now())
    let flushed = context.eventLoop.makePromise(of: Void.self)
    flushed.futureResult.assumeIsolated().whenComplete { [weak self] _ in
      guard let self, let context = self.context else { return }
      if lingers {
        self.deadlines.beginLingering(now: .now())
        self.schedule()
        context.close(mode: .output, promise: nil)
        context.read()
      } else {
        self.close(context)
      }
    }
    hasFlushDue = false
    context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: flushed)
    schedule()
  }

  // MARK: Deadlines

  /// Makes sure a timer runs out at the next deadline or before. Deadlines mostly move back, so a timer that comes too
  /// early and looks again costs less than one for every request.
  private func schedule() {
    guard !isClosed, let context, let next = deadlines.next?.deadline else { return }
    if let timer {
      if timer.deadline <= next { return }
      timer.task.cancel()
    }
    let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [weak self] in
      guard let self else { return }
      self.timer = nil
      self.timeRanOut()
      self.schedule()
    }
    timer = (next, task)
  }

  private func timeRanOut() {
    guard let context, let expiry = deadlines.expired(now: .now()) else { return }
    if expiry == .write, hasProgressed(context) { return deadlines.noteProgress(now: .now()) }
    if expiry != .idle, expiry != .linger { settings.metrics.countTimeout(expiry.rawValue) }
    switch expiry {
    case .head, .content:
      report(.requestTimeout, context)
    case .idle, .write, .drain, .linger:
      close(context)
    }
  }

  /// Closes now, whatever is still to go out.
  private func close(_ context: ChannelHandlerContext) {
    isFinished = true
    isClosed = true
    context.close(promise: nil)
  }
}

extension HTTPVersion {
  fileprivate var isBefore11: Bool { (major, minor) < (1, 1) }
}

extension HTTPServerRequestPart {
  fileprivate var isHead: Bool { if case .head = self { true } else { false } }
}
