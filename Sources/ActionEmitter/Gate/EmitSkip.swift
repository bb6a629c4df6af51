/// Why nobody wanted an event. The raw value is the `reason` label of `strandline_actions_skipped_total`.
public enum EmitSkip: String, Sendable, Hashable, CaseIterable {
  /// No enabled channel has its type.
  case channel
  /// Its queue is not audited, or not for events of its type.
  case queue
}
