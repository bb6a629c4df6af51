/// What a reader of a queue has seen: per partition the last offset, and how many actions the queue had up to it.
///
/// A marker is a place in the topic, never a time, so that nothing is missed at its edge; and it holds nothing of the
/// node that made it but the counts, so every node of the feed can go on from it.
package struct Marker: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var partition: Int32
    /// The last offset seen.
    package var offset: Int64
    /// The ordinal of the record there; comparable only within `identity`.
    package var ordinal: UInt64

    /// Stands for an ordinal that is not known.
    static let uncounted = UInt64.max
  }

  /// Ascending by partition; empty at the head of the queue.
  package private(set) var entries: [Entry]
  /// Which store counted the ordinals.
  var identity: StoreIdentity

  init(entries: [Entry], identity: StoreIdentity) {
    self.entries = entries.sorted { $0.partition < $1.partition }
    self.identity = identity
  }

  init(sole entry: Entry, identity: StoreIdentity) {
    entries = [entry]
    self.identity = identity
  }

  func entry(of partition: Int32) -> Entry? { entries.first { $0.partition == partition } }

  /// The last offset seen of a partition; −1 when nothing of it was.
  package func offset(of partition: Int32) -> Int64 { entry(of: partition)?.offset ?? -1 }

  mutating func set(partition: Int32, offset: Int64, ordinal: UInt64) {
    if let index = entries.firstIndex(where: { $0.partition == partition }) {
      entries[index].offset = offset
      entries[index].ordinal = ordinal
    } else {
      entries.append(Entry(partition: partition, offset: offset, ordinal: ordinal))
      entries.sort { $0.partition < $1.partition }
    }
  }
}

extension Marker {
  /// The same place, with ordinals of `identity`: those of another store are forgotten, because they cannot be compared.
  func counted(by identity: StoreIdentity) -> Marker {
    guard self.identity != identity else { return self }
    let entries = entries.map { Entry(partition: $0.partition, offset: $0.offset, ordinal: Entry.uncounted) }
    return Marker(entries: entries, identity: identity)
  }
}
