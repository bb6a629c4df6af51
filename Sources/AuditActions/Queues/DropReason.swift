/// Why an action that keeps the contract is not kept: by the choice of its queue. The raw value is the `reason` label of
/// metrics.
package enum DropReason: String, Sendable, Hashable, CaseIterable {
  /// The queue is not audited.
  case notAudited = "not_audited"
  /// The queue's `audit.events` does not name the action's type.
  case eventNotAudited = "event_not_audited"
}
