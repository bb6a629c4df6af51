/// What a reader of a queue has seen: per partition the last offset, and how many actions the queue had up to it.
///
/// A marker is a place in the topic, never a time, so that nothing is missed at its edge; and it holds nothing of the
/// node that made it but the counts, so every node of the feed can go on from it.
package struct Marker: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var partition: Int32
    /// The last offset seen.
    package var offset: Int64
    /// The ordinal of the action there; comparable only within `identity`.
    package var ordinal: UInt64
  }

  /// Ascending by partition; empty at the head of the queue.
  package private(set) var entries: [Entry]
  /// Which store counted the ordinals.
  var identity: StoreIdentity

  init(entries: [Entry], identity: StoreIdentity) {
    self.entries = entries.sorted { $0.partition < $1.partition }
    self.identity = identity
  }

  /// The last offset seen of a partition; −1 when nothing of it was.
  package func offset(of partition: Int32) -> Int64 {
    entries.first { $0.partition == partition }?.offset ?? -1
  }

  mutating func advance(partition: Int32, to offset: Int64, ordinal: UInt64) {
    if let index = entries.firstIndex(where: { $0.partition == partition }) {
      guard offset > entries[index].offset else { return }
      entries[index].offset = offset
      entries[index].ordinal = ordinal
    } else {
      entries.append(Entry(partition: partition, offset: offset, ordinal: ordinal))
      entries.sort { $0.partition < $1.partition }
    }
  }
}
