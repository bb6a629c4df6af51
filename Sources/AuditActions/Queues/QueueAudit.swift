/// What a queue's metadata says about auditing it: the member `audit`, read. What it does not say is nil.
public struct QueueAudit: Sendable, Equatable {
  /// `audit.enabled`: whether the queue's actions are kept. Nil: it does not say, so that ``AuditDefault`` decides.
  public var enabled: Bool?
  /// `audit.ttl`: how long actions are kept whose record names no time to live of its own.
  public var timeToLive: TimeToLive?
  /// `audit.events`: the only types that are kept. Nil: every type; empty: none.
  public var events: Set<ActionType>?
  /// `audit.retention`: how much of the queue is kept at most, whatever its actions' time to live.
  public var retention: Retention?

  /// A bound on what a queue keeps: its newest actions, as many as fit both, and always the newest. Of a queue whose
  /// records lie in several partitions, of each.
  public struct Retention: Sendable, Equatable {
    /// At most so many actions, 1 to ``max``. Nil: any number.
    public var count: Int?
    /// At most so many bytes of bodies, 1 to ``max``. Nil: any number.
    public var bytes: Int?

    /// 2^53 − 1, the highest whole number that every reader of JSON has (RFC 8259, 6).
    public static let max = (1 << 53) - 1

    public init(count: Int? = nil, bytes: Int? = nil) {
      self.count = count
      self.bytes = bytes
    }
  }

  public init(
    enabled: Bool? = nil, timeToLive: TimeToLive? = nil, events: Set<ActionType>? = nil, retention: Retention? = nil
  ) {
    self.enabled = enabled
    self.timeToLive = timeToLive
    self.events = events
    self.retention = retention
  }

  /// Whether the queue is audited at all.
  public func isEnabled(default policy: AuditDefault) -> Bool {
    enabled ?? (policy == .all)
  }

  /// Whether an action of this type is kept.
  public func wants(event: ActionType, default policy: AuditDefault) -> Bool {
    guard isEnabled(default: policy) else { return false }
    return events?.contains(event) ?? true
  }
}
