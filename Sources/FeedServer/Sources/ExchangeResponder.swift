import ActionStore
import AuditActions
import NIOCore

/// Answers what is exchanged between nodes and sources: actions by their numbers, and purge points.
struct ExchangeResponder: Sendable {
  let store: ActionStore
  let publisher: ActionPublisher?
  /// Nil: every queue is audited.
  let audit: AuditedQueues?
  let metrics: HTTPMetrics
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
    var judged = try judge(items)
    try await compare(&judged, in: key)
    let outcomes = await publish(judged)
    let accepted = SequenceRanges(outcomes, of: items) { $0 == .accepted }
    let present = SequenceRanges(outcomes, of: items) { $0 == .present }
    let received = (store.sourceLog(key)?.received ?? SequenceRanges()).union(accepted)
    let missing = received.missing.from(store.purgePoint(of: key))
    var body = ByteBuffer()
    body.writeString("{\"accepted\":\"\(accepted)\",\"present\":\"\(present)\",\"refused\":[")
    var refused = 0
    for (index, outcome) in outcomes.enumerated() {
      guard let refusal = outcome.refusal else { continue }
      body.writeString("\(refused > 0 ? "," : ""){\"index\":\(index),")
      if case .success(let post) = items[index] { body.writeString("\"sequence\":\(post.origin.sequence),") }
      body.writeString("\"status\":\(refusal.status),\"detail\":")
      body.writeJSONString(refusal.detail)
      if case .conflict(let conflict) = outcome {
        let stored = conflict.stored.map { ",\"stored\":\"\($0)\"" } ?? ""
        body.writeString(",\"digests\":{\"sent\":\"\(conflict.sent)\"\(stored)}")
      }
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
    /// Another one had come with its number.
    case conflict(NumberConflict)
    case refused(status: Int, detail: String)

    /// What is told of one that was not taken.
    var refusal: (status: Int, detail: String)? {
      switch self {
      case .accepted, .present: nil
      case .conflict(let conflict): (NumberConflict.status, conflict.detail)
      case .refused(let status, let detail): (status, detail)
      }
    }

    /// For the metric.
    var name: String {
      switch self {
      case .accepted: "accepted"
      case .present: "present"
      case .conflict: "conflict"
      case .refused: "refused"
      }
    }
  }

  /// What becomes of each item, in their order, before anything is published: those that are to be count as accepted.
  private struct Judged {
    var outcomes: [SendOutcome] = []
    /// By their places among the items: what is a number of a log at all.
    var posts: [Int: NumberedPost] = [:]
  }

  /// Publishes what had not come before, and waits until Kafka has it. What had is known by its number, and by the
  /// checksums that are in memory of the latest; what is stored is not looked at.
  /// - Returns: the outcome of each, in their order.
  /// - Throws: 503 where this node takes none.
  func send(_ items: [Result<NumberedPost, AuditActionError>]) async throws(Problem) -> [SendOutcome] {
    await publish(try judge(items))
  }

  private func judge(_ items: [Result<NumberedPost, AuditActionError>]) throws(Problem) -> Judged {
    guard let publisher, publisher.publishNumbered != nil else {
      throw .unavailable("this node takes no actions: it has no producer to Kafka")
    }
    var intake = store.beginIntake()
    var judged = Judged()
    for (index, item) in items.enumerated() {
      switch item {
      case .failure(let error):
        judged.outcomes.append(.refused(status: error.code == .tooLarge ? 413 : 400, detail: error.detail))
      case .success(let post):
        // Its number would count as received, and nothing be kept: nobody would send it again.
        if let objection = try audit?.objection(to: post.body, of: post.queue) {
          judged.outcomes.append(.refused(status: 409, detail: objection))
          continue
        }
        // Ingest would make a dead letter of it, again with every run of who sends it.
        if let fault = publisher.proofFault(post) {
          judged.outcomes.append(
            .refused(status: fault.code == .sourceNotAuthenticated ? 403 : 400, detail: fault.detail))
          continue
        }
        judged.posts[index] = post
        switch intake.judge(post) {
        case .new: judged.outcomes.append(.accepted)
        case .duplicate: judged.outcomes.append(.present)
        case .conflict: judged.outcomes.append(.conflict(NumberConflict(post)))
        }
      }
    }
    return judged
  }

  /// Holds what had come before against what is stored of it.
  private func compare(_ judged: inout Judged, in key: SourceLogKey) async throws(Problem) {
    let outcomes = judged.outcomes
    let known = judged.posts.filter { outcomes[$0.key] != .accepted }
    guard !known.isEmpty else { return }
    let conflicts = try await readings.read { [store] () throws(StoreError) in
      try store.conflicts(of: known, in: key)
    }
    for (index, conflict) in conflicts { judged.outcomes[index] = .conflict(conflict) }
  }

  private func publish(_ judged: Judged) async -> [SendOutcome] {
    var outcomes = judged.outcomes
    let places = outcomes.indices.filter { outcomes[$0] == .accepted }
    let posts = places.compactMap { judged.posts[$0] }
    if !posts.isEmpty, let publish = publisher?.publishNumbered {
      let published = await publish(posts)
      for (number, place) in places.enumerated() {
        if number < published.count, case .success = published[number] { continue }
        outcomes[place] = .refused(
          status: 503, detail: Self.detail(number < published.count ? published[number] : nil))
      }
    }
    let counts = Dictionary(outcomes.map { ($0.name, 1) }, uniquingKeysWith: +)
    for (outcome, count) in counts { metrics.count(sent: outcome, count) }
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
