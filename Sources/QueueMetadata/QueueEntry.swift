package import AuditActions

/// A queue's metadata as it was read from the topic.
package struct QueueEntry: Sendable, Equatable {
  package let document: QueueDocument
  package let version: QueueVersion
}

/// Which record of the topic a document is: the same on every node, another for every change.
package struct QueueVersion: Sendable, Hashable {
  package let partition: Int32
  package let offset: Int64

  package init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }

  /// A strong entity tag (RFC 9110, section 8.8.3).
  package var entityTag: String { "\"\(partition)-\(offset)\"" }
}
