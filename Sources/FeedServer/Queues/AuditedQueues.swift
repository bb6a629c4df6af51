import AuditActions
package import QueueMetadata

/// Which queues are audited, and how that is changed: what the feed has to know of queue metadata.
package struct AuditedQueues: Sendable {
  package let reader: QueueMetadataReader
  package let writer: QueueMetadataWriter

  package init(reader: QueueMetadataReader, writer: QueueMetadataWriter) {
    self.reader = reader
    self.writer = writer
  }

  /// Refuses to call a queue quiet of which something asked for is not kept: an empty page states that nothing happened.
  /// - Parameter events: the event types asked for; empty: all.
  /// - Throws: a 503 before queue metadata is read; a 404 when the queue, or any of these types, is not audited.
  func requireAudit(of queue: QueueAddress, events: [String] = []) throws(Problem) {
    guard let policies = reader.policies else { throw .metadataUnread(reader.status.failure) }
    let policy = policies.policy(of: queue)
    guard policy.isAudited else { throw .notAudited(queue) }
    guard policy.hasAllowList else { return }
    var unwanted: [String] = []
    for event in events where !policies.wants(event, policy) {
      // Each once, by its bytes: é is not e and an accent.
      if !unwanted.contains(where: { $0.utf8.elementsEqual(event.utf8) }) { unwanted.append(event) }
    }
    guard unwanted.isEmpty else {
      throw .notAudited(queue, events: unwanted, hasOthers: events.contains { policies.wants($0, policy) })
    }
  }
}

extension Problem {
  static func metadataUnread(_ failure: String?) -> Problem {
    .unavailable(
      "the node has not read yet which queues are audited" + (failure.map { ": \($0)" } ?? ""), retryAfterSeconds: 1)
  }

  /// Nothing of the queue is kept.
  static func notAudited(_ queue: QueueAddress, status: Int = 404) -> Problem {
    let path = "/v1/\(queue.project)/queues/\(queue.queue)"
    return Problem(
      status, "not-audited", title: "This is not audited",
      detail: "the queue is not audited: no action of it is kept; switch it on with PUT \(path) and "
        + "{\"audit\":{\"enabled\":true}}")
  }

  /// Some of the event types asked for are not kept.
  /// - Parameters:
  ///   - events: those that are not; empty: of what is sent, each item says it.
  ///   - hasOthers: whether types that are kept were asked for too.
  static func notAudited(
    _ queue: QueueAddress, events: [String], hasOthers: Bool = false, status: Int = 404
  ) -> Problem {
    let names = events.map { "'\($0)'" }.joined(separator: ", ")
    let rest = hasOthers ? "; leave them out to be told of the others" : ""
    var problem = Problem(
      status, "not-audited", title: "This is not audited",
      detail:
        "the queue's audit.events does not name \(names.isEmpty ? "these event types" : names): no action of them "
        + "is kept\(rest); see GET /v1/\(queue.project)/queues/\(queue.queue)")
    if !events.isEmpty { problem.parameter = "event" }
    return problem
  }
}
