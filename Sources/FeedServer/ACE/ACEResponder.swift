import ActionStore
import AuditActions
import NIOCore

/// Answers Apache ACE's log protocol (`LogServlet`), line by line, with what the node has of a project's logs.
struct ACEResponder: Sendable {
  /// Most bytes of lines in one answer: who wants more asks by ranges.
  static let answerBytesMax = 32 << 20
  /// Most lines of what is sent: a line that is no event costs far more memory than its two bytes.
  static let linesMax = 100_000

  let exchanges: ExchangeResponder
  private var store: ActionStore { exchanges.store }

  func answer(_ request: ACERequest, _ content: ByteBuffer) async throws(Problem) -> FeedAnswer {
    switch request.kind {
    case .query: return Self.text(query(request))
    case .receiveids: return Self.text(lowest(request))
    case .receive: return try await receive(request)
    case .send: return try await send(request, content)
    case .sendids: return try await raise(request, content)
    }
  }

  // MARK: Out

  /// `Descriptor`s: `targetID,storeID,ranges`. One that is asked for by both names and unknown is empty, as in ACE.
  private func query(_ request: ACERequest) -> [String] {
    let logs = logs(of: request)
    if logs.isEmpty, let target = request.target, let log = request.log { return [ACEText.line([target, log, ""])] }
    return logs.map { item in
      ACEText.line([
        item.key.source, item.key.log, item.log.received.from(store.purgePoint(of: item.key)).description,
      ])
    }
  }

  /// `LowestID`s: `targetID,storeID,lowestID`, of the logs that have one.
  private func lowest(_ request: ACERequest) -> [String] {
    logs(of: request).compactMap { item in
      let lowest = store.purgePoint(of: item.key)
      return lowest > 1 ? ACEText.line([item.key.source, item.key.log, String(lowest)]) : nil
    }
  }

  private func logs(of request: ACERequest) -> [(key: SourceLogKey, log: SourceLog)] {
    store.sourceLogs(of: request.queue.project, source: request.target)
      .filter { item in request.log.map { item.key.log == $0 } ?? true }
  }

  private func receive(_ request: ACERequest) async throws(Problem) -> FeedAnswer {
    let keys = logs(of: request).map(\.key)
    let body = try await exchanges.readings.read { [store] () throws(StoreError) -> ByteBuffer? in
      var body = ByteBuffer()
      for key in keys {
        var after: Int64 = 0
        while true {
          let page = try store.numberedActions(
            key, in: request.range, after: after, limit: ActionStore.numberedActionsMax)
          for action in page.actions {
            let event = ACEEvent(action, of: key, wallMilliseconds: store.recordMilliseconds(action.action))
            body.writeString(event.line)
            body.writeStaticString("\n")
            guard body.readableBytes <= Self.answerBytesMax else { return nil }
          }
          if page.isLast { break }
          after = page.reached
        }
      }
      return body
    }
    guard let body else {
      throw .invalidParameter(
        "that is more than \(Self.answerBytesMax) bytes of events; ask for tid, logid and a range of some of them",
        parameter: "range")
    }
    return Self.text(body)
  }

  private static func text(_ lines: [String]) -> FeedAnswer {
    var body = ByteBuffer()
    for line in lines {
      body.writeString(line)
      body.writeStaticString("\n")
    }
    return text(body)
  }

  private static func text(_ body: ByteBuffer) -> FeedAnswer {
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "text/plain; charset=utf-8")
    answer.add("Cache-Control", "no-store")
    return answer
  }

  // MARK: In

  /// Stores the events that are such; one that is not makes it a 400, which names its line.
  private func send(_ request: ACERequest, _ content: ByteBuffer) async throws(Problem) -> FeedAnswer {
    let lines = try Self.lines(content)
    let items = lines.map { line in
      Result { () throws(AuditActionError) in
        let event = try ACEEvent(line: line)
        let body = event.body
        try body.withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
          _ = try ActionBody.validate(UnsafeRawBufferPointer(bytes))
        }
        return NumberedPost(
          origin: try ActionOrigin(source: event.target, log: event.store, sequence: event.id), queue: request.queue,
          body: body, timeToLive: nil, time: .now)
      }
    }
    var faults: [Problem.Item] = []
    var isUnavailable = false
    for start in stride(from: 0, to: items.count, by: ActionStore.numberedActionsMax) {
      let part = Array(items[start..<min(items.count, start + ActionStore.numberedActionsMax)])
      for (index, outcome) in try await exchanges.send(part).enumerated() {
        guard let refusal = outcome.refusal else { continue }
        if refusal.status == 503 { isUnavailable = true }
        faults.append(Problem.Item(index: start + index, detail: refusal.detail))
      }
    }
    return try Self.answer(faults, isUnavailable: isUnavailable)
  }

  private func raise(_ request: ACERequest, _ content: ByteBuffer) async throws(Problem) -> FeedAnswer {
    var faults: [Problem.Item] = []
    for (index, line) in try Self.lines(content).enumerated() {
      guard let fields = ACEText.fields(line), fields.count == 3, let target = fields[0], let log = fields[1],
        let lowest = fields[2].flatMap({ Int64($0) }),
        let origin = try? ActionOrigin(source: target, log: log, sequence: lowest)
      else {
        faults.append(Problem.Item(index: index, detail: "a lowest id is targetID,storeID,lowestID, from 1"))
        continue
      }
      let key = SourceLogKey(project: request.queue.project, source: origin.source, log: origin.log)
      guard store.sourceLog(key) != nil else {
        faults.append(Problem.Item(index: index, detail: "no numbered action of this target and log is known"))
        continue
      }
      _ = try await exchanges.raise(key, to: lowest)
    }
    return try Self.answer(faults, isUnavailable: false)
  }

  private static func answer(_ faults: [Problem.Item], isUnavailable: Bool) throws(Problem) -> FeedAnswer {
    if faults.isEmpty { return text([]) }
    var problem =
      isUnavailable
      ? Problem.unavailable("not every event was acknowledged by Kafka; send them again later")
      : Problem(
        400, "bad-lines", title: "Some lines are not valid",
        detail: "the lines that errors does not name are stored; mend the others and send them again")
    problem.items = Array(faults.prefix(100))
    throw problem
  }

  /// The lines of a text, without empty ones; each ends with a line feed, and a carriage return before it is not of it.
  private static func lines(_ content: ByteBuffer) throws(Problem) -> [Substring] {
    guard let text = String(validating: content.readableBytesView, as: UTF8.self) else {
      throw .invalidParameter("the content is not UTF-8 text")
    }
    let lines = text.unicodeScalars.split(separator: "\n", maxSplits: linesMax)
    guard lines.count <= linesMax else { throw .invalidParameter("the content has more than \(linesMax) lines") }
    return lines.map { line in
      Substring(line.last == "\r" ? line.dropLast() : line)
    }.filter { !$0.isEmpty }
  }
}

extension Problem {
  static let notAcceptableText = Problem(
    406, "not-acceptable", title: "No acceptable representation",
    detail: "this route answers text/plain; send it in Accept, or send no Accept")
}
