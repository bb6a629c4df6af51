package import AuditActions

/// A queue's address with what has to be derived from it to read the queue: made once by whoever asks again and again.
package final class QueueReference: Sendable {
  package let address: QueueAddress
  /// Everything of an action's path but its id: `/v1/{project}/queues/{queue}/actions/`.
  package let pathPrefix: String
  let key: QueueKey
  /// Part of every id of this queue.
  let check: UInt32

  package init(_ address: QueueAddress) {
    self.address = address
    pathPrefix = "/v1/\(address.project)/queues/\(address.queue)/actions/"
    key = QueueKey(address.key)
    check = TokenSealer.check(of: key)
  }
}
