import ActionStore
import AuditActions
import NIOCore

/// Answers what is exchanged between nodes and sources: actions by their numbers, and purge points.
struct ExchangeResponder: Sendable {
  let store: ActionStore
  let publisher: ActionPublisher?
  /// Nil: every queue is audited.
  let audit: AuditedQueues?
  let readings = StoreReadings()

  func answer(
    _ exchange: SourceExchange, _ content: ByteBuffer, currency: FeedCurrency?
  ) async throws(Problem) -> FeedAnswer {
    switch exchange.work {
    case .receive(let key, let query): try await receive(key, query, currency)
    case .send(let key): try await send(content, to: key)
    case .raise(let key): try await raise(key, content, currency)
    case .ace(let request): try await ACEResponder(exchanges: self).answer(request, content)
    }
  }

  // MARK: Receive

  private func receive(
    _ key: SourceLogKey, _ query: NumberedQuery, _ currency: FeedCurrency?
  ) async throws(Problem) -> FeedAnswer {
    try SourcesResponder(store: store).log(key, currency)
    let body = try await readings.read { [store] () throws(StoreError) in
      let page = try store.numberedActions(key, in: query.ranges, after: query.after, limit: query.limit)
      return Self.body(page, key, query, store)
    }
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Cache-Control", "no-store")
    return answer
  }

  private static func body(
    _ page: NumberedPage, _ key: SourceLogKey, _ query: NumberedQuery, _ store: ActionStore
  ) -> ByteBuffer {
    var body = ByteBuffer()
    body.writeStaticString("{\"source\":")
    body.writeJSONString(key.source)
    body.writeString(",\"log\":\"\(key.log)\",\"actions\":[")
    for (index, item) in page.actions.enumerated() {
      let time = SourcesResponder.time(store.recordMilliseconds(item.action))
      let href =
        ActionWriter.hrefPrefix(of: item.queue) + store.sealer.seal(id: item.action.position, queue: item.queue)
      body.writeString(
        "\(index > 0 ? "," : ""){\"sequence\":\(item.sequence),\"queue\":\"\(item.queue.queue)\","
          + "\"ttl\":\(item.action.timeToLiveSeconds),\"time\":\"\(time)\",\"href\":\"\(href)\",\"body\":")
      item.action.withBody { _ = body.writeBytes($0) }
      if let seal = item.seal { SealDocument.write(seal, to: &body) }
      body.writeStaticString("}")
    }
    body.writeString("],\"reached\":\(page.reached),\"links\":[")
    if !page.isLast {
      let range = query.text.map { "range=\(PercentCoding.encode($0))&" } ?? ""
      body.writeString(
        "{\"rel\":\"next\",\"href\":\"\(key.path)/actions?\(range)limit=\(query.limit)&marker=\(page.reached)\"}")
    }
    body.writeStaticString("]}")
    return body
  }

  // MARK: Send

  private func send(_ content: ByteBuffer, to key: SourceLogKey) async throws(Problem) -> FeedAnswer {
    let items = try NumberedDocument.parse(content, for: key)
    let outcomes = try await send(items)
    let accepted = SequenceRanges(outcomes, of: items) { $0 == .accepted }
    let present = SequenceRanges(outcomes, of: items) { $0 == .present }
    let received = (store.sourceLog(key)?.received ?? SequenceRanges()).union(accepted)
    let missing = received.missing.from(store.purgePoint(of: key))
    var body = ByteBuffer()
    body.writeString("{\"accepted\":\"\(accepted)\",\"present\":\"\(present)\",\"refused\":[")
    var refused = 0
    for (index, outcome) in outcomes.enumerated() {
      guard case .refused(let status, let detail) = outcome else { continue }
      body.writeString("\(refused > 0 ? "," : ""){\"index\":\(index),")
      if case .success(let post) = items[index] { body.writeString("\"sequence\":\(post.origin.sequence),") }
      body.writeString("\"status\":\(status),\"detail\":")
      body.writeJSONString(detail)
      body.writeStaticString("}")
      refused += 1
    }
    body.writeString("],\"missing\":\"\(missing)\"}")
    var answer = FeedAnswer(status: refused == 0 ? 200 : 207)
    answer.setBody(body, contentType: "application/json")
    answer.add("Cache-Control", "no-store")
    return answer
  }

  enum SendOutcome: Sendable, Equatable {
    case accepted
    /// It had come before.
    case present
    case refused(status: Int, detail: String)
  }

  /// Publishes what had not come before, and waits until Kafka has it.
  /// - Returns: the outcome of each, in their order.
  /// - Throws: 503 where this node takes none.
  func send(_ items: [Result<NumberedPost, AuditActionError>]) async throws(Problem) -> [SendOutcome] {
    guard let publisher, let publish = publisher.publishNumbered else {
      throw .unavailable("this node takes no actions: it has no producer to Kafka")
    }
    var intake = store.beginIntake()
    var outcomes: [SendOutcome] = []
    var posts: [(index: Int, post: NumberedPost)] = []
    for (index, item) in items.enumerated() {
      switch item {
      case .failure(let error):
        outcomes.append(.refused(status: error.code == .tooLarge ? 413 : 400, detail: error.detail))
      case .success(let post):
        // Its number would count as received, and nothing be kept: nobody would send it again.
        if let objection = try audit?.objection(to: post.body, of: post.queue) {
          outcomes.append(.refused(status: 409, detail: objection))
          continue
        }
        // Ingest would make a dead letter of it, again with every run of who sends it.
        if let fault = publisher.proofFault(post) {
          outcomes.append(.refused(status: fault.code == .sourceNotAuthenticated ? 403 : 400, detail: fault.detail))
          continue
        }
        let verdict = intake.judge(post)
        outcomes.append(verdict.outcome)
        if verdict == .new { posts.append((index, post)) }
      }
    }
    guard !posts.isEmpty else { return outcomes }
    let published = await publish(posts.map(\.post))
    for (number, item) in posts.enumerated() {
      if number < published.count, case .success = published[number] { continue }
      outcomes[item.index] = .refused(
        status: 503, detail: Self.detail(number < published.count ? published[number] : nil))
    }
    return outcomes
  }

  private static func detail(_ outcome: ActionPublisher.Outcome?) -> String {
    guard case .failure(let failure) = outcome else { return "no outcome is known; send it again" }
    return failure.detail + (failure.mayHaveBeenWritten ? "; it may have been written all the same" : "")
  }

  // MARK: Purge points

  private func raise(
    _ key: SourceLogKey, _ content: ByteBuffer, _ currency: FeedCurrency?
  ) async throws(Problem) -> FeedAnswer {
    let lowest = try NumberedDocument.lowest(content)
    try SourcesResponder(store: store).log(key, currency)
    return SourcesResponder.answer(lowest: try await raise(key, to: lowest))
  }

  func raise(_ key: SourceLogKey, to lowest: Int64) async throws(Problem) -> Int64 {
    try await readings.read { [store] () throws(StoreError) in try store.raisePurgePoint(of: key, to: lowest) }
  }
}

extension SourceIntake {
  /// As ingest will judge it, were it read now. What it was given before counts as come.
  fileprivate mutating func judge(_ post: NumberedPost) -> Verdict {
    let contents = Array(post.queue.key.utf8).withUnsafeBytes { key in
      post.body.withUnsafeBytes { RecordContents(key: key, value: $0) }
    }
    return judge(post.origin, project: post.queue.project, contents: contents, partition: 0, offset: .max)
  }
}

extension SourceIntake.Verdict {
  fileprivate var outcome: ExchangeResponder.SendOutcome {
    switch self {
    case .new: .accepted
    case .duplicate: .present
    case .conflict:
      .refused(
        status: 409,
        detail: "another action of that source and log has this number; a source that lost its log must begin a new one"
      )
    }
  }
}

extension SequenceRanges {
  /// The numbers of those whose outcome is wanted.
  fileprivate init(
    _ outcomes: [ExchangeResponder.SendOutcome], of items: [Result<NumberedPost, AuditActionError>],
    where isWanted: (ExchangeResponder.SendOutcome) -> Bool
  ) {
    self.init()
    for (outcome, item) in zip(outcomes, items) where isWanted(outcome) {
      if case .success(let post) = item { insert(post.origin.sequence) }
    }
  }

  /// Those of `lowest` and above.
  func from(_ lowest: Int64) -> SequenceRanges {
    lowest > 1 ? subtracting(SequenceRanges(1...(lowest - 1))) : self
  }
}
