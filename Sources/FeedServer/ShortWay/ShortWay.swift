import ActionStore
import AuditActions
import NIOCore

/// The first handler behind the socket: answers plain requests for pages from the bytes as they come, before llhttp and
/// all that follows; passes everything else on, untouched.
///
/// It must never
/// - take a request while anything before it is under way, held back, or half read by llhttp: answers go out in order;
/// - take what it would have to judge: faults, limits, conditions and odd forms belong to the long way, which can be
///   gone from the start at any point until the first byte of the answer is written;
/// - give other bytes than the long way would, but for what differs from one request to the next (`Date`, ids made
///   here). Every test of pages runs through both.
///
/// It also tells the door when bytes arrive that are not a request taken here.
final class ShortWay: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = IOData

  private let door: FrontDoor
  private let isEnabled: Bool
  private let core: FeedCore
  private let allocator: ByteBufferAllocator
  /// The event loop alone comes here, and not twice at a time: not checked.
  @exclusivity(unchecked) private var answers: ShortAnswers
  private var pageDurations: PrometheusHistogram?
  private var emptyDurations: PrometheusHistogram?
  /// Whether llhttp has read a whole number of requests: true until it is given anything, and again when what it was
  /// given ends with an empty line (and the door says that no content is to come).
  private var isBetweenRequests = true
  private var hasAnswered = false
  private var hasPassed = false

  init(door: FrontDoor, allocator: ByteBufferAllocator) {
    self.door = door
    self.allocator = allocator
    let settings = door.settings
    isEnabled = settings.takesShortWay && settings.answersPagesDirectly && settings.core.routes.contains(.actions)
    core = settings.core
    answers = ShortAnswers(core: core)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if isEnabled, isBetweenRequests {
      while bytes.readableBytes > 0, door.isIdle, door.isWritable, !core.budget.isSpent, answer(&bytes, context) {}
      guard bytes.readableBytes > 0 else { return }
    }
    hasPassed = true
    isBetweenRequests = bytes.readableBytesView.suffix(4).elementsEqual("\r\n\r\n".utf8)
    door.bytesArrived(bytes)
    context.fireChannelRead(wrapInboundOut(bytes))
    door.bytesRead(bytes)
  }

  /// Answers the request at the front of `bytes` and takes it off; false when it is not one for here.
  private func answer(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
    let start = NIODeadline.now()
    let answer = bytes.withUnsafeReadableBytes { bytes in
      PageHead(bytes, from: 0).flatMap {
        answers.answer($0, in: bytes, secondsSince1970: core.wallSeconds(), allocator: allocator)
      }
    }
    guard let answer else { return false }
    bytes.moveReaderIndex(forwardBy: answer.requestBytes)
    door.write(answer.text, context)
    hasAnswered = true
    let now = NIODeadline.now()
    door.deadlines.wait(for: .request, now: now)
    durations(isEmpty: answer.isEmpty).recordNanoseconds((now - start).nanoseconds)
    return true
  }

  /// Made with the first answer of their kind: a series that nothing was counted in is not shown.
  private func durations(isEmpty: Bool) -> PrometheusHistogram {
    if let known = isEmpty ? emptyDurations : pageDurations { return known }
    let made = core.metrics.durations(route: .actions, code: isEmpty ? 204 : 200)
    if isEmpty { emptyDurations = made } else { pageDurations = made }
    return made
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    defer {
      hasAnswered = false
      hasPassed = false
    }
    if hasAnswered {
      context.flush()
      // Nobody behind has seen anything, so nobody behind will ask for more.
      if !hasPassed { return context.read() }
    }
    context.fireChannelReadComplete()
  }
}
