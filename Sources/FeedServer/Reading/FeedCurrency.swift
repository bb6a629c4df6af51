import ActionStore
import AuditActions

/// How far a node can vouch for what it serves. An empty page says "nothing happened up to now", so it may be given
/// only by a node that has read the topic up to now.
///
/// It is said of the whole topic: the next action of a queue may come on any partition, because partitions are added
/// and producers disagree.
package struct FeedCurrency: Sendable, Equatable {
  /// Everything Kafka had at this moment (milliseconds since 1970, wall clock) is in the store; nil while nothing can be
  /// said.
  package var completeThroughMilliseconds: Int64?
  /// Set when the node is behind, cut off or rebuilding: an empty page is then answered with 503.
  package var behind: Behind?

  package struct Behind: Sendable, Equatable {
    package var detail: String
    package var retryAfterSeconds: Int

    package init(detail: String, retryAfterSeconds: Int) {
      self.detail = detail
      self.retryAfterSeconds = retryAfterSeconds
    }
  }

  package init(completeThroughMilliseconds: Int64?, behind: Behind? = nil) {
    self.completeThroughMilliseconds = completeThroughMilliseconds
    self.behind = behind
  }

  /// The moment as RFC 3339, for the header.
  var completeThrough: String? {
    completeThroughMilliseconds.map {
      ActionTime(nanosecondsSince1970: $0.multipliedReportingOverflow(by: 1_000_000).partialValue).rfc3339
    }
  }
}

extension FeedCurrency? {
  /// To be asked before it is said that there is nothing: that is for a node to say that has read everything.
  /// - Throws: 503.
  func vouch() throws(Problem) {
    if let behind = self?.behind {
      throw .unavailable(behind.detail, retryAfterSeconds: behind.retryAfterSeconds)
    }
  }

  /// What readers of a queue are told is missing, unless this node is itself behind: what has not come may be in the
  /// topic. To be asked before the page is read.
  func missing(of queue: QueueReference, in store: ActionStore) -> MissingNumbers? {
    guard let missing = store.missingNumbers(of: queue), self?.behind == nil else { return nil }
    return missing
  }
}
