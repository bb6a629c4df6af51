import ActionStore
import AuditActions
import NIOCore

/// Requests in, answers out: everything between the two that is not HTTP's wire. Both ways in share it.
struct FeedCore: Sendable {
  let routes: FeedRoutes
  let pages: PageResponder
  let items: ItemsResponder
  let queues: QueuesResponder
  var sources: SourcesResponder { SourcesResponder(store: queues.store) }
  let posts: PostResponder
  let exchanges: ExchangeResponder
  /// Where what speaks Apache ACE's protocol has its events.
  let aceQueue: QueueAddress?
  let metadata: MetadataResponder
  let operations: OperationsResponder
  /// Nil when nothing is known: answers are then given without a statement of time.
  let currency: (@Sendable () -> FeedCurrency)?
  let metrics: HTTPMetrics
  let budget: ByteBudget

  /// Seconds since 1970, for the `Date` of answers; never before.
  func wallSeconds() -> Int64 { max(0, SystemClock().nowMilliseconds() / 1_000) }

  /// What becomes of a request once its head is known.
  enum Beginning {
    case answer(FeedAnswer, FeedRoute?)
    /// The content is needed, which must arrive first.
    case post(QueueAddress)
    /// It has to wait for the disk, for Kafka or for content.
    case exchange(SourceExchange, FeedRoute)
    /// The metadata of the queue is to be changed, by the content if there is any.
    case change(QueueAddress)
  }

  /// What only reads this node's memory is answered here, synchronously.
  func begin(_ request: FeedRequest) -> Beginning {
    var route: FeedRoute?
    // Asked before anything is read: what came between the two is in the answer.
    var currency: FeedCurrency?
    do throws(Problem) {
      let target = try RequestTarget(request.target)
      guard let match = try RouteMatch(path: target.path), routes.contains(match.route) else { throw .notFound }
      route = match.route
      guard match.route.methods.contains(request.method) else { throw .methodNotAllowed(match.route) }
      if match.route.isOperational {
        return .answer(finish(try operations.answer(match.route, query: target.query), request), route)
      }
      if let kind = match.route.ace {
        guard let aceQueue else { throw .notFound }
        let ace = try ACERequest(kind, request, query: target.query, queue: aceQueue)
        return .exchange(SourceExchange(.ace(ace)), match.route)
      }
      currency = self.currency?()
      let (project, queue) = try Self.address(match, request)
      if request.method == "POST", let queue {
        try Self.checkPost(request, query: target.query)
        return .post(queue)
      }
      if let exchange = try SourceExchange(match, target, request, project: project) {
        return .exchange(exchange, match.route)
      }
      if match.route == .queue, let queue, !["GET", "HEAD"].contains(request.method) {
        try metadata.check(request, query: target.query)
        return .change(queue)
      }
      guard Accept.allows(request.accept) else { throw .notAcceptable }
      var answer = try read(match, target, request, project: project, queue: queue, currency: currency)
      answer.add(currency)
      return .answer(finish(answer, request), route)
    } catch {
      return .answer(refuse(error, request, currency), route)
    }
  }

  /// Answers a POST that ``begin(_:)`` asked to read.
  func post(_ content: ByteBuffer, to queue: QueueAddress, _ request: FeedRequest) async -> FeedAnswer {
    do throws(Problem) {
      return finish(try await posts.answer(content, to: queue), request)
    } catch {
      return refuse(error, request)
    }
  }

  /// Answers what ``begin(_:)`` left to be waited for.
  /// - Parameter content: empty where none is read.
  func exchange(_ exchange: SourceExchange, _ content: ByteBuffer, _ request: FeedRequest) async -> FeedAnswer {
    // Asked before anything is read: what came between the two is in the answer.
    let currency = self.currency?()
    do throws(Problem) {
      var answer = try await exchanges.answer(exchange, content, currency: currency)
      answer.add(currency)
      return finish(answer, request)
    } catch {
      return refuse(error, request, currency)
    }
  }

  /// Answers a request that ``begin(_:)`` called a change.
  func change(_ content: ByteBuffer, of queue: QueueAddress, _ request: FeedRequest) async -> FeedAnswer {
    do throws(Problem) {
      return finish(try await metadata.change(content, of: queue, request), request)
    } catch {
      return refuse(error, request)
    }
  }

  func refuse(_ problem: Problem, _ request: FeedRequest, _ currency: FeedCurrency? = nil) -> FeedAnswer {
    let path = request.target.prefix { $0 != "?" && $0 != "#" }
    var answer = problem.answer(instance: path, requestID: request.requestID)
    answer.add(currency)
    return finish(answer, request)
  }

  /// What every answer has.
  private func finish(_ answer: FeedAnswer, _ request: FeedRequest) -> FeedAnswer {
    var answer = answer
    answer.add("X-Request-Id", request.requestID)
    if request.isHead { answer.dropBody() }
    return answer
  }

  private func read(
    _ match: RouteMatch, _ target: RequestTarget, _ request: FeedRequest, project: String, queue: QueueAddress?,
    currency: FeedCurrency?
  ) throws(Problem) -> FeedAnswer {
    let query = try QueryItems(target.query)
    if match.route == .sources {
      return try sources.answer(project: project, query: query, currency: currency, location: target.text)
    }
    if match.route == .sourceLog || match.route == .sourceLowest {
      try query.check(known: [])
      let key = try SourceLogKey(match, project: project)
      return match.route == .sourceLog
        ? try sources.answer(of: key, currency: currency, location: target.text)
        : try sources.answer(lowestOf: key, currency: currency)
    }
    guard let queue else {
      return try queues.answer(project: project, query: query, currency: currency, location: target.text)
    }
    switch match.route {
    case .actions:
      try query.check(known: PageRequest.knownParameters, tolerated: PageRequest.toleratedParameters)
      guard query.contains("ids") else {
        let page = try PageRequest(
          queue: queue, query: query, isStrict: request.isStrict, sealer: pages.store.sealer)
        return try pages.answer(page, currency: currency, location: target.text)
      }
      guard !["marker", "limit", "event"].contains(where: query.contains) else {
        throw .invalidParameter("ids stands alone: it names the actions, so nothing can be paged", parameter: "ids")
      }
      return try items.answer(ids: query.all("ids"), queue: queue, location: target.text)
    case .action:
      try query.check(known: [], tolerated: PageRequest.toleratedParameters)
      return try items.answer(id: match.id ?? "", queue: queue, location: target.text)
    case .queue:
      try query.check(known: [])
      return try metadata.answer(queue, request, currency: currency, location: target.text)
    case .statistics:
      try query.check(known: [])
      return try queues.statistics(of: queue, currency: currency, location: target.text)
    default:
      throw .notFound
    }
  }

  private static func address(
    _ match: RouteMatch, _ request: FeedRequest
  ) throws(Problem) -> (project: String, queue: QueueAddress?) {
    guard let project = match.project ?? request.project else {
      throw .invalidParameter(
        "this path needs the header X-Project-ID; or ask for /v1/{project}/queues/…", parameter: "X-Project-ID")
    }
    do throws(AuditActionError) {
      try QueueAddress.validateProject(project)
      guard let queue = match.queue else { return (project, nil) }
      return (project, try QueueAddress(project: project, queue: queue))
    } catch {
      var problem = Problem(error)
      if match.project == nil, error.code == .invalidProject { problem.parameter = "X-Project-ID" }
      throw problem
    }
  }

  static func checkPost(_ request: FeedRequest, query: Substring?) throws(Problem) {
    try QueryItems(query).check(known: [])
    guard ContentType.isJSON(request.contentType, encoding: request.contentEncoding) else {
      throw .unsupportedMediaType
    }
    guard Accept.allows(request.accept) else { throw .notAcceptable }
    if let length = request.contentLength, length > PostResponder.contentBytesMax { throw .postTooLarge }
  }
}

extension FeedAnswer {
  /// Says up to when the node has read everything.
  fileprivate mutating func add(_ currency: FeedCurrency?) {
    if let through = currency?.completeThrough { add(GapStatement.completeThroughField, through) }
  }
}

extension Problem {
  static let overloaded: Problem = {
    var problem = Problem.unavailable("other clients' requests and answers fill the memory set aside for them")
    problem.retryAfterSeconds = 1
    problem.closesConnection = true
    return problem
  }()

  /// The rest of the content is not read, so the connection ends.
  static let postTooLarge = contentTooLarge(bytesMax: PostResponder.contentBytesMax)

  /// The same for another bound.
  static func contentTooLarge(bytesMax: Int) -> Problem {
    var problem = Problem.contentTooLarge("the content of a request", bytesMax: bytesMax)
    problem.closesConnection = true
    return problem
  }
}
