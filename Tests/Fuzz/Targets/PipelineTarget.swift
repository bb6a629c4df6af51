import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import FeedServer

/// Bytes of whole connections through the server's own pipeline, in one read and in several: the answers are
/// well-formed, never a 500, and the same however the bytes are cut.
final class PipelineTarget: FuzzTarget {
  static let name = "pipeline"
  static let share = 8_000_000

  private let world: FeedWorld
  private let settings: FeedChannel.Settings
  private let samples: WireSamples

  init(seed: UInt64) throws {
    world = try FeedWorld()
    samples = WireSamples(targets: world.targets)
    let core = world.server.core(.all)
    settings = FeedChannel.Settings(
      limits: ConnectionLimits(), core: core, metrics: core.metrics, listener: "feed", answersPagesDirectly: true,
      takesShortWay: true)
  }

  func run(_ random: inout SeededRandom) throws {
    let input = samples.input(&random)
    let cuts = samples.cuts(of: input.count, &random)
    let whole = try WireAnswers(answers(to: input, cuts: [], answersLate: false), input: input)
    let parts = try WireAnswers(answers(to: input, cuts: cuts, answersLate: false), input: input)
    guard whole.answers == parts.answers else {
      throw Finding(
        "answered \(whole.answers.map(\.status)) in one read, \(parts.answers.map(\.status)) when cut at \(cuts)", input
      )
    }
    // An answer that takes its time holds back those of the requests behind it. A fault meanwhile may cut it off.
    _ = try WireAnswers(answers(to: input, cuts: cuts, answersLate: true), input: input)
    guard settings.core.budget.bytesUsed == 0 else { throw Finding("the budget of bytes is not given back", input) }
  }

  private func answers(to input: [UInt8], cuts: [Int], answersLate: Bool) throws -> [UInt8] {
    let channel = EmbeddedChannel()
    let pipeline = channel.pipeline.syncOperations
    try FeedChannel.addFront(to: pipeline, settings, allocator: channel.allocator)
    let end = SynchronousResponder(core: settings.core, isLate: answersLate)
    try pipeline.addHandler(end)
    try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    var output: [UInt8] = []
    func drain() throws {
      channel.embeddedEventLoop.run()
      while let part = try channel.readOutbound(as: IOData.self) {
        if case .byteBuffer(let bytes) = part { output += bytes.readableBytesView }
      }
    }
    var start = 0
    for cut in cuts + [input.count] where cut > start || cuts.isEmpty {
      // A closed channel takes no more; faults go through the pipeline and come back as answers.
      if channel.isActive { _ = try? channel.writeInbound(ByteBuffer(bytes: input[start..<cut])) }
      try drain()
      start = cut
    }
    end.answerAll()
    try drain()
    if channel.isActive {
      channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      try drain()
    }
    end.answerAll()
    try drain()
    _ = try? channel.finish(acceptAlreadyClosed: true)
    try drain()
    return output
  }
}

/// Stands where Hummingbird stands, and answers as its responder does, on the event loop.
private final class SynchronousResponder: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let core: FeedCore
  private let isLate: Bool
  private var head: HTTPRequestHead?
  private var content = ByteBuffer()
  private var waiting: [FeedAnswer] = []
  private var context: ChannelHandlerContext?

  init(core: FeedCore, isLate: Bool) {
    self.core = core
    self.isLate = isLate
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      content.clear()
    case .body(let part):
      content.writeImmutableBuffer(part)
    case .end:
      guard let head else { return }
      self.head = nil
      waiting.append(answer(RequestHead(head).request))
      if !isLate { answerAll() }
    }
  }

  private func answer(_ request: FeedRequest) -> FeedAnswer {
    switch core.begin(request) {
    case .answer(let answer, _): return answer
    case .exchange(let exchange, _):
      // What waits for others is left out; what is read is not.
      if case .send(let key) = exchange.work { _ = try? NumberedDocument.parse(content, for: key) }
      if case .raise = exchange.work { _ = try? NumberedDocument.lowest(content) }
      return FeedAnswer(status: 204)
    case .post:
      let parsed = content.withUnsafeReadableBytes { bytes in
        Result { () throws(Problem) in try PostDocument(bytes).actions }
      }
      switch parsed {
      case .failure(let problem): return core.refuse(problem, request)
      case .success:
        var answer = FeedAnswer(status: 201)
        answer.setBody(ByteBuffer(string: "[]"), contentType: "application/json")
        return answer
      }
    // Not met: there is no metadata here, which is said before a change begins.
    case .change: return core.refuse(.notFound, request)
    }
  }

  func answerAll() {
    guard let context else { return }
    let due = waiting
    waiting = []
    for answer in due {
      var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
      for (name, value) in answer.fields { head.headers.add(name: name, value: value) }
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      if let body = answer.body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }
}
