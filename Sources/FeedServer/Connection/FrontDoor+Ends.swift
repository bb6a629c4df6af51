import NIOCore
import NIOHTTP1

/// How a connection ends: by a fault, by its last answer, or by a deadline.
extension FrontDoor {
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
      guard passed.count == 1, !isAnswering else { return finish(context, lingers: false) }
      passed.removeAll()
      reading = .skipping
    }
    fault = problem
    settle(context)
  }

  /// Does what was to be done once nothing is under way.
  func settle(_ context: ChannelHandlerContext) {
    guard passed.isEmpty, held.isEmpty, !isFinished else { return }
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
    _ = passed.popFirst()
    if closes {
      // What follows was not read, or is not to be.
      isLastRequest = true
      held.removeAll()
      return finish(context, lingers: reading == .passing)
    }
    if passed.isEmpty, reading == .nothing { deadlines.wait(for: .request, now: .now()) }
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
    case ChannelEvent.inputClosed where passed.isEmpty:
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

  /// Makes sure a timer runs out at the next deadline or before. Deadlines mostly move back, so a timer that comes too
  /// early and looks again costs less than one for every request.
  func schedule() {
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

  func timeRanOut() {
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
  func close(_ context: ChannelHandlerContext) {
    isFinished = true
    isClosed = true
    context.close(promise: nil)
  }
}
