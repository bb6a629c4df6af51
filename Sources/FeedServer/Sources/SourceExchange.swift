import ActionStore
import AuditActions

/// What one node asks of another, or a source of a node, beyond what came: actions by their numbers, and back.
struct SourceExchange: Sendable {
  enum Work: Sendable {
    case receive(SourceLogKey, NumberedQuery)
    case send(SourceLogKey)
    case raise(SourceLogKey)
    case ace(ACERequest)
  }

  let work: Work

  init(_ work: Work) { self.work = work }

  /// Nil for a request that is answered at once.
  init?(_ match: RouteMatch, _ target: RequestTarget, _ request: FeedRequest, project: String) throws(Problem) {
    switch (match.route, request.method) {
    case (.sourceActions, "POST"):
      try FeedCore.checkPost(request, query: target.query)
      work = .send(try SourceLogKey(match, project: project))
    case (.sourceActions, _):
      guard Accept.allows(request.accept) else { throw .notAcceptable }
      work = .receive(try SourceLogKey(match, project: project), try NumberedQuery(try QueryItems(target.query)))
    case (.sourceLowest, "PUT"):
      try FeedCore.checkPost(request, query: target.query)
      work = .raise(try SourceLogKey(match, project: project))
    default:
      return nil
    }
  }

  var readsContent: Bool {
    switch work {
    case .send, .raise: true
    case .receive: false
    case .ace(let request): request.readsContent
    }
  }

  /// Of the content that is read, or of the answer that is put together.
  var bytesMax: Int {
    switch work {
    case .send: PostResponder.contentBytesMax
    case .raise: 4_096
    case .receive: 8 << 20
    case .ace(let request):
      request.kind == .receive ? ACEResponder.answerBytesMax : PostResponder.contentBytesMax
    }
  }
}

/// Which of a log's actions are asked for.
struct NumberedQuery: Sendable {
  static let limitUsual = 100

  /// As it was asked for; nil: all.
  let text: String?
  let ranges: SequenceRanges
  let limit: Int
  /// Only numbers above it.
  let after: Int64

  /// - Throws: a 400 naming the parameter and what it may be.
  init(_ query: QueryItems) throws(Problem) {
    try query.check(known: ["range", "limit", "marker"])
    text = try query.single("range")
    do throws(AuditActionError) {
      ranges = if let text { try SequenceRanges(text) } else { .full }
    } catch {
      throw Problem(error)
    }
    let bounds = 1...ActionStore.numberedActionsMax
    guard let limit = Self.number(try query.single("limit") ?? "\(Self.limitUsual)"),
      bounds.contains(Int(clamping: limit))
    else {
      throw .invalidParameter(
        "limit is a number from 1 to \(bounds.upperBound)", parameter: "limit",
        allowed: .range(minimum: 1, maximum: bounds.upperBound))
    }
    self.limit = Int(limit)
    guard let after = Self.number(try query.single("marker") ?? "0") else {
      throw .invalidParameter(
        "the marker is the number of the last action seen; take it from the `next` link", parameter: "marker")
    }
    self.after = after
  }

  private static func number(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.count <= 19, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return Int64(text)
  }
}

extension SourceLogKey {
  /// - Throws: a 400 for names that no source or log has.
  init(_ match: RouteMatch, project: String) throws(Problem) {
    do throws(AuditActionError) {
      self.init(
        project: project, source: try ActionOrigin.source(match.source ?? ""),
        log: try ActionOrigin.log(match.log ?? ""))
    } catch {
      throw Problem(error)
    }
  }

  /// The path of the log, without a slash at its end.
  var path: String { "/v1/\(project)/sources/\(PercentCoding.encode(source))/logs/\(log)" }
}
