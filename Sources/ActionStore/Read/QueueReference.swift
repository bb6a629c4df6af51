package import AuditActions

/// A queue's address with what has to be derived from it to read the queue: made once by whoever asks again and again.
package final class QueueReference: Sendable {
  package let address: QueueAddress
  /// Everything of an action's path but its id: `/v1/{project}/queues/{queue}/actions/`.
  package let pathPrefix: String
  /// The same as bytes, kept as long as this.
  package nonisolated(unsafe) let pathPrefixBytes: UnsafeRawBufferPointer
  let key: QueueKey
  /// Part of every id of this queue.
  let check: UInt32

  package init(_ address: QueueAddress) {
    self.address = address
    pathPrefix = "/v1/\(address.project)/queues/\(address.queue)/actions/"
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: pathPrefix.utf8.count, alignment: 1)
    bytes.copyBytes(from: pathPrefix.utf8)
    pathPrefixBytes = UnsafeRawBufferPointer(bytes)
    key = QueueKey(address.key)
    check = TokenSealer.check(of: key)
  }

  deinit { pathPrefixBytes.deallocate() }
}
