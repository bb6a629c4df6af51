/// Records between a reader's marker and the first action returned that can no longer be read.
package struct Gap: Sendable, Equatable {
  package enum Reason: String, Sendable, CaseIterable {
    /// TTLs had passed before the reader came.
    case expired
    /// Newer actions have taken their place: the queue keeps no more (`audit.retention`).
    case queueRetention = "queue-retention"
    /// Kafka removed records before they were stored.
    case topicRetention = "topic-retention"
    /// Records broke the contract and are in the dead-letter topic.
    case rejected
    /// Kafka removed records while the store had no room for them.
    case storeFull = "store-full"
  }

  package var reason: Reason
  /// How many of the queue's records; nil when this store did not count them. Never a guess.
  package var count: UInt64?
  package var partition: Int32
  /// Offsets of the partition the records are among, both included. Other queues' records may be among them as well.
  package var from: Int64
  package var to: Int64
}

extension Gap.Reason {
  init(_ reason: Hole.Reason) {
    switch reason {
    case .topicRetention: self = .topicRetention
    case .storeFull: self = .storeFull
    }
  }
}
