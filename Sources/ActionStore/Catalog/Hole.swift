/// Offsets of a partition that Kafka no longer had when the store came to them. Kept for good, told to every reader
/// whose marker lies before it.
package struct Hole: Sendable, Equatable {
  package enum Reason: String, Sendable {
    /// The topic's retention, or an operator, removed the records before they were read.
    case topicRetention = "topic-retention"
    /// The same, while the store had no room and ingest waited for it.
    case storeFull = "store-full"
  }

  package var partition: Int32
  /// The lost offsets: `from ..< to`.
  package var from: Int64
  package var to: Int64
  package var reason: Reason
  /// When it was noticed, milliseconds since 1970.
  package var recordedMilliseconds: Int64
}
