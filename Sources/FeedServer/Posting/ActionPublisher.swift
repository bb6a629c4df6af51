package import ActionStore
package import AuditActions

/// An action taken from a POST: its body byte for byte.
package struct PostedAction: Sendable, Equatable {
  package let body: [UInt8]
  /// Nil: the node's default when it is read from the topic.
  package let timeToLive: TimeToLive?

  package init(body: [UInt8], timeToLive: TimeToLive?) {
    self.body = body
    self.timeToLive = timeToLive
  }
}

/// An action with the number its source gave it, from another node or from the source itself.
package struct NumberedPost: Sendable, Equatable {
  package let origin: ActionOrigin
  package let queue: QueueAddress
  package let body: [UInt8]
  /// Nil: the node's default when it is read from the topic.
  package let timeToLive: TimeToLive?
  /// When it came into being; its time to live counts from then.
  package let time: ActionTime
  /// What its source gave it to prove it by.
  package let seal: ActionSeal?

  package init(
    origin: ActionOrigin, queue: QueueAddress, body: [UInt8], timeToLive: TimeToLive?, time: ActionTime,
    seal: ActionSeal? = nil
  ) {
    self.origin = origin
    self.queue = queue
    self.body = body
    self.timeToLive = timeToLive
    self.time = time
    self.seal = seal
  }
}

/// Why an action did not get an acknowledgement.
package struct PublishFailure: Error, Sendable, Equatable {
  /// What happened, without payload.
  package let detail: String
  /// Whether Kafka may have it all the same: sending it again may store it twice.
  package let mayHaveBeenWritten: Bool

  package init(detail: String, mayHaveBeenWritten: Bool) {
    self.detail = detail
    self.mayHaveBeenWritten = mayHaveBeenWritten
  }
}

/// How posted actions get to Kafka: the seam to the emitter, so that tests can let items fail.
package struct ActionPublisher: Sendable {
  package typealias Outcome = Result<ActionPosition, PublishFailure>

  /// Sends all actions and waits for each one's acknowledgement. One outcome for each action, in their order; bounded
  /// in time by whoever provides it.
  package let publish: @Sendable (_ actions: [PostedAction], _ queue: QueueAddress) async -> [Outcome]
  /// The same for actions that their source has numbered; nil: this node takes none.
  package let publishNumbered: (@Sendable (_ actions: [NumberedPost]) async -> [Outcome])?
  /// Why ingest would make a dead letter of such an action: it is not as its source sent it, or nobody can tell. Nil: it
  /// would not.
  package let proofFault: @Sendable (NumberedPost) -> AuditActionError?

  package init(
    _ publish: @escaping @Sendable ([PostedAction], QueueAddress) async -> [Outcome],
    numbered: (@Sendable ([NumberedPost]) async -> [Outcome])? = nil,
    proofFault: @escaping @Sendable (NumberedPost) -> AuditActionError? = { _ in nil }
  ) {
    self.publish = publish
    publishNumbered = numbered
    self.proofFault = proofFault
  }
}
