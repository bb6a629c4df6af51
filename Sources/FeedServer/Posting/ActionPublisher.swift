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

  package init(_ publish: @escaping @Sendable ([PostedAction], QueueAddress) async -> [Outcome]) {
    self.publish = publish
  }
}
