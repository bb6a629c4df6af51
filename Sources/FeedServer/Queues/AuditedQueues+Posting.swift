import AuditActions
import QueueMetadata

extension AuditedQueues {
  /// Refuses actions that would be dropped once they are read from the topic: their sender would be told that they are
  /// kept.
  /// - Throws: a 503 before queue metadata is read; a 409 with every action that is not audited.
  func requireAudit(of actions: [PostedAction], to queue: QueueAddress) throws(Problem) {
    guard let policies = reader.policies else { throw .metadataUnread(reader.status.failure) }
    let policy = policies.policy(of: queue)
    guard policy.isAudited else { throw .notAudited(queue, status: 409) }
    guard policy.hasAllowList else { return }
    var problem = Problem.notAudited(queue, events: [], status: 409)
    for (index, action) in actions.enumerated() {
      guard !policies.wants(Self.event(of: action.body), policy) else { continue }
      problem.items.append(
        Problem.Item(index: index, detail: "the queue does not audit this event type", parameter: "event"))
    }
    guard problem.items.isEmpty else { throw problem }
  }

  /// What is said of one action, out of several for any queues, that would be dropped; nil for one that is kept.
  /// - Throws: a 503 before queue metadata is read.
  func objection(to body: [UInt8], of queue: QueueAddress) throws(Problem) -> String? {
    guard let policies = reader.policies else { throw .metadataUnread(reader.status.failure) }
    let policy = policies.policy(of: queue)
    guard policy.isAudited else { return Problem.notAudited(queue).detail }
    guard policy.hasAllowList, !policies.wants(Self.event(of: body), policy) else { return nil }
    return "the queue does not audit this event type"
  }

  /// Of a body that was checked when the content was read.
  private static func event(of body: [UInt8]) -> String {
    body.withUnsafeBytes { (try? ActionBody.validate($0))?.eventText(in: $0) ?? "" }
  }
}
