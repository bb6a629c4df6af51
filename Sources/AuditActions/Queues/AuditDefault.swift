/// What holds for a queue whose metadata does not say whether it is audited.
public enum AuditDefault: String, CaseIterable, Sendable {
  /// Only queues that asked are audited.
  case declared
  /// Every queue is audited unless its metadata says otherwise.
  case all
}

extension AuditDefault {
  /// Whether an action of this type is kept in a queue with this metadata; nil: a queue without any.
  public func wants(event: ActionType, of audit: QueueAudit?) -> Bool {
    audit?.wants(event: event, default: self) ?? (self == .all)
  }
}
