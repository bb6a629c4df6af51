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
  }

  /// Everything but POSTs is answered here, synchronously.
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
      currency = self.currency?()
      let (project, queue) = try Self.address(match, request)
      if request.method == "POST", let queue {
        try Self.checkPost(request, query: target.query)
        return .post(queue)
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
    if match.route == .sourceLog {
      try query.check(known: [])
      return try sources.answer(
        project: project, source: match.source ?? "", log: match.log ?? "", currency: currency, location: target.text)
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

  private static func checkPost(_ request: FeedRequest, query: Substring?) throws(Problem) {
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
  static let postTooLarge: Problem = {
    var problem = Problem.contentTooLarge("the content of a POST", bytesMax: PostResponder.contentBytesMax)
    problem.closesConnection = true
    return problem
  }()
}
