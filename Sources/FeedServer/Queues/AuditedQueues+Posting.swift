import AuditActions
import QueueMetadata

extension AuditedQueues {
  /// Refuses actions that would be dropped once they are read from the topic: their sender would be told that they are
  /// kept.
  /// - Throws: a 503 before queue metadata is read; a 409 with every action that is not audited.
  func requireAudit(of actions: [PostedAction], to queue: QueueAddress) throws(Problem) {
    guard let policies = reader.policies else { throw .metadataUnread(reader.status.failure) }
    let policy = policies.policy(of: queue)
    guard policy.isAudited else { throw .notAudited(queue, isQueue: true, status: 409) }
    guard policy.hasAllowList else { return }
    var problem = Problem.notAudited(queue, isQueue: false, status: 409)
    for (index, action) in actions.enumerated() {
      let event = action.body.withUnsafeBytes { bytes in
        // Checked when the content was read.
        (try? ActionBody.validate(bytes))?.eventText(in: bytes) ?? ""
      }
      guard !policies.wants(event, policy) else { continue }
      problem.items.append(
        Problem.Item(index: index, detail: "the queue does not audit this event type", parameter: "event"))
    }
    guard problem.items.isEmpty else { throw problem }
  }
}
