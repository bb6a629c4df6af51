public import AuditActions
public import Kafka

/// Why an action was refused, was not delivered, or is of unknown outcome.
public struct EmitError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure. The raw value is the `reason` label of `strandline_actions_refused_total`.
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    /// As many actions as the configuration allows wait for Kafka already.
    case queueFull = "queue_full"
    /// The body is larger than 262,144 bytes.
    case tooLarge = "too_large"
    /// The action breaks the record contract; see ``EmitError/invalid``.
    case invalidAction = "invalid_action"
    /// The emitter is closed.
    case closed
    /// Kafka, or its client library, refused or failed; see ``EmitError/kafka``.
    case kafka
    /// No acknowledgement within the time given.
    case notAcknowledged = "not_acknowledged"
    /// The waiting task was cancelled.
    case cancelled
    /// The emitter's configuration is out of its limits.
    case invalidConfiguration = "invalid_configuration"
    /// The spool holds all it may; Kafka has to take some of it first.
    case spoolFull = "spool_full"
    /// The spool cannot be used; see ``EmitError/systemError``.
    case spool
    /// The event type is not in the catalogue, and only those in it are taken.
    case unknownEvent = "unknown_event"
    /// Nobody wants the event, see ``EmitError/skip``: told to those who would wait for its acknowledgement. Counted as
    /// skipped, and not as refused.
    case notWanted = "not_wanted"
    /// It was accepted, and gave way to newer ones when the bounds were reached: see ``OverflowPolicy``.
    case droppedOldest = "dropped_oldest"
  }

  public let reason: Reason
  /// What happened, without payload.
  public let message: String
  /// What to do about it, where that is known.
  public let hint: String?
  /// Whether the same action may be accepted later without any change.
  public let isRetriable: Bool
  /// Whether Kafka may have the action all the same: sending it again may store it twice.
  public let mayHaveBeenWritten: Bool
  /// What the record contract says, for ``Reason/invalidAction`` and ``Reason/tooLarge``.
  public let invalid: AuditActionError?
  /// What Kafka says, for ``Reason/kafka``.
  public let kafka: KafkaError?
  /// Why nobody wants it, for ``Reason/notWanted``.
  public let skip: EmitSkip?
  /// The system's error number, for ``Reason/spool`` where a file or folder is at fault.
  public let systemError: Int32?

  /// The name of Kafka's error, such as `_MSG_TIMED_OUT`, or else the reason: a label for logs and metrics.
  public var name: String { kafka?.name ?? reason.rawValue }

  init(
    _ reason: Reason, _ message: String, hint: String? = nil, isRetriable: Bool = false,
    mayHaveBeenWritten: Bool = false, invalid: AuditActionError? = nil, kafka: KafkaError? = nil,
    systemError: Int32? = nil, skip: EmitSkip? = nil
  ) {
    self.reason = reason
    self.message = message
    self.hint = hint
    self.isRetriable = isRetriable
    self.mayHaveBeenWritten = mayHaveBeenWritten
    self.invalid = invalid
    self.kafka = kafka
    self.systemError = systemError
    self.skip = skip
  }

  public var description: String {
    "\(reason.rawValue): \(message)" + (hint.map { "; \($0)" } ?? "")
  }
}

extension EmitError {
  static let queueFull = EmitError(
    .queueFull, "as many actions as allowed wait for Kafka already",
    hint: "wait and emit again, or check that the brokers can be reached", isRetriable: true)

  static let closed = EmitError(.closed, "the emitter is closed", hint: "make a new one")

  static let notAcknowledged = EmitError(
    .notAcknowledged, "Kafka has not acknowledged the action in time",
    hint: "check that the brokers can be reached; the action may still be delivered", isRetriable: true,
    mayHaveBeenWritten: true)

  static let droppedOldest = EmitError(
    .droppedOldest, "the action was dropped for a newer one: as many as allowed waited for Kafka",
    hint: "check that the brokers can be reached, or raise the bounds", isRetriable: true)

  static let closedBeforeSending = EmitError(
    .closed, "the emitter was closed before the action was sent", hint: "give closing more time")

  static let notSynced = EmitError(
    .notAcknowledged, "the spool was closed before the disk had the action", hint: "the action may still be delivered",
    isRetriable: true, mayHaveBeenWritten: true)

  /// The action is in the spool, and the disk did not say that it has it.
  static func notSynced(_ cause: EmitError) -> EmitError {
    EmitError(
      .spool, cause.message, hint: cause.hint, isRetriable: true, mayHaveBeenWritten: true,
      systemError: cause.systemError)
  }

  static let cancelled = EmitError(
    .cancelled, "the task was cancelled before Kafka acknowledged the action", isRetriable: true,
    mayHaveBeenWritten: true)

  static let cancelledBeforeSending = EmitError(
    .cancelled, "the task was cancelled while it waited for room; the action was not sent", isRetriable: true)

  static func notWanted(_ skip: EmitSkip) -> EmitError {
    EmitError(
      .notWanted,
      skip == .channel ? "no enabled channel has the event's type" : "the queue is not audited for the event",
      skip: skip)
  }

  static func configuration(_ message: String) -> EmitError { EmitError(.invalidConfiguration, message) }

  init(_ invalid: AuditActionError) {
    self.init(
      invalid.code == .tooLarge ? .tooLarge : .invalidAction, invalid.detail, hint: "change the action",
      invalid: invalid)
  }

  /// What the producer said before it took the record.
  init(refusal kafka: KafkaError) {
    switch kafka.code {
    case KafkaError.Code.queueFull: self = .queueFull
    case KafkaError.Code.closed: self = .closed
    default:
      // After a fatal error the emitter makes itself a new producer: trying again does help.
      self.init(
        .kafka, kafka.message, hint: kafka.hint, isRetriable: kafka.isRetriable || kafka.isFatal, kafka: kafka)
    }
  }

  /// What became of a record the producer had taken.
  init(failure kafka: KafkaError) {
    self.init(
      .kafka, kafka.message, hint: kafka.hint, isRetriable: kafka.isRetriable || kafka.isFatal,
      mayHaveBeenWritten: !Self.certainlyNotWritten.contains(kafka.code), kafka: kafka)
  }

  /// Errors with which the record has not left the client, or the broker has refused it. After any other, a broker
  /// may have written the record and its answer been lost.
  private static let certainlyNotWritten: Set<Int32> = [
    KafkaError.Code.purgedFromQueue, KafkaError.Code.unknownTopic, KafkaError.Code.unknownPartition,
    KafkaError.Code.unknownTopicOrPartition, KafkaError.Code.recordTooLarge, KafkaError.Code.invalidTopic,
    KafkaError.Code.notEnoughReplicas, KafkaError.Code.topicAuthorizationFailed,
    18,  // RECORD_LIST_TOO_LARGE
    44,  // POLICY_VIOLATION
    87,  // INVALID_RECORD
  ]
}

/// What became of an action handed to `emit`.
public enum EmitOutcome: Sendable, Hashable {
  /// The emitter has it and will deliver it, or count it as failed.
  case accepted
  /// Nobody wants the event: neither accepted nor refused, counted by reason, and never sent.
  case skipped(EmitSkip)
  /// The emitter does not have it: it is counted by reason, and never sent.
  // Boxed: an outcome is then one word, which those who emit what nobody wants pay for.
  indirect case refused(EmitError)

  init(refusal: EmitError) {
    self = refusal.skip.map { .skipped($0) } ?? .refused(refusal)
  }

  public var isAccepted: Bool { if case .accepted = self { true } else { false } }

  /// The reason of a refusal; nil when there was none.
  public var refusal: EmitError? {
    if case .refused(let error) = self { error } else { nil }
  }
}
