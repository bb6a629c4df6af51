import ActionStore
import AuditActions
import NIOCore

/// Answers a POST of actions: all are checked, then sent, then all acknowledgements waited for.
struct PostResponder: Sendable {
  /// Longest content of one POST, in bytes. A hundred of the largest bodies would be 25 MiB a request.
  static let contentBytesMax = 8 << 20

  let publisher: ActionPublisher?
  let sealer: TokenSealer
  /// Nil: every queue is audited.
  let audit: AuditedQueues?

  func answer(_ content: ByteBuffer, to queue: QueueAddress) async throws(Problem) -> FeedAnswer {
    guard let publisher else { throw .unavailable("this node takes no actions: it has no producer to Kafka") }
    let actions = try Self.parse(content)
    try audit?.requireAudit(of: actions, to: queue)
    var outcomes = await publisher.publish(actions, queue)
    while outcomes.count < actions.count {
      outcomes.append(.failure(PublishFailure(detail: "no outcome is known", mayHaveBeenWritten: true)))
    }
    let ids = outcomes.map { outcome in
      (try? outcome.get()).map { sealer.seal(id: $0, queue: queue) }
    }
    let accepted = ids.compactMap { $0 }
    guard !accepted.isEmpty else { throw Self.nothingSent(outcomes) }
    let isPartial = accepted.count < actions.count
    var answer = FeedAnswer(status: isPartial ? 207 : 201)
    // A GET takes no more ids than a page holds; `resources` names all.
    let shown = accepted.prefix(ActionLimits.pageActionsMax).joined(separator: ",")
    answer.add("Location", "/v1/\(queue.project)/queues/\(queue.queue)/actions?ids=\(shown)")
    answer.add("Cache-Control", "no-store")
    answer.setBody(Self.body(ids, outcomes, queue, isPartial: isPartial), contentType: "application/json")
    return answer
  }

  private static func parse(_ content: ByteBuffer) throws(Problem) -> [PostedAction] {
    let parsed = content.withUnsafeReadableBytes { bytes in
      Result { () throws(Problem) in try PostDocument(bytes).actions }
    }
    return try parsed.get()
  }

  private static func body(
    _ ids: [String?], _ outcomes: [ActionPublisher.Outcome], _ queue: QueueAddress, isPartial: Bool
  ) -> ByteBuffer {
    let prefix = ActionWriter.hrefPrefix(of: queue)
    var body = ByteBuffer()
    body.writeStaticString("{\"resources\":[")
    for (index, id) in ids.compactMap({ $0 }).enumerated() {
      body.writeString("\(index > 0 ? "," : "")\"\(prefix)\(id)\"")
    }
    body.writeString("],\"partial\":\(isPartial)")
    guard isPartial else {
      body.writeStaticString("}")
      return body
    }
    body.writeStaticString(",\"items\":[")
    for (index, outcome) in outcomes.enumerated() {
      body.writeString("\(index > 0 ? "," : ""){\"index\":\(index),")
      switch outcome {
      case .success:
        body.writeString("\"status\":201,\"href\":\"\(prefix)\(ids[index] ?? "")\"}")
      case .failure(let failure):
        body.writeStaticString("\"status\":503,\"detail\":")
        body.writeJSONString(failure.detail)
        body.writeString(",\"may_have_been_written\":\(failure.mayHaveBeenWritten)}")
      }
    }
    body.writeStaticString("]}")
    return body
  }

  private static func nothingSent(_ outcomes: [ActionPublisher.Outcome]) -> Problem {
    var problem = Problem.unavailable("no action was acknowledged by Kafka; send them again later")
    for (index, outcome) in outcomes.enumerated() {
      guard case .failure(let failure) = outcome else { continue }
      let doubt = failure.mayHaveBeenWritten ? "; it may have been written all the same" : ""
      problem.items.append(Problem.Item(index: index, detail: failure.detail + doubt))
    }
    return problem
  }
}
