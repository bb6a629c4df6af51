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

  /// Refuses to call a queue quiet of which nothing is kept: an empty page states that nothing happened.
  /// - Parameter events: the event types asked for; empty: all.
  /// - Throws: a 503 before queue metadata is read, a 404 when the queue, or each of these types, is not audited.
  func requireAudit(of queue: QueueAddress, events: [String] = []) throws(Problem) {
    switch reader.isAudited(queue, events: events) {
    case .some(true): return
    case .some(false): throw .notAudited(queue, isQueue: reader.isAudited(queue) == false)
    case nil: throw .metadataUnread(reader.status.failure)
    }
  }
}

extension Problem {
  static func metadataUnread(_ failure: String?) -> Problem {
    .unavailable(
      "the node has not read yet which queues are audited" + (failure.map { ": \($0)" } ?? ""), retryAfterSeconds: 1)
  }

  /// - Parameter isQueue: false: only the event types asked for are not audited.
  static func notAudited(_ queue: QueueAddress, isQueue: Bool, status: Int = 404) -> Problem {
    let path = "/v1/\(queue.project)/queues/\(queue.queue)"
    return Problem(
      status, "not-audited", title: "This is not audited",
      detail: isQueue
        ? "the queue is not audited: no action of it is kept; switch it on with PUT \(path) and "
          + "{\"audit\":{\"enabled\":true}}"
        : "the queue's audit.events does not name these event types: no action of them is kept; see GET \(path)")
  }
}
