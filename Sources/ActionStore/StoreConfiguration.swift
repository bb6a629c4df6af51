/// The limits of one store, each with its unit.
package struct StoreConfiguration: Sendable {
  /// Directory that holds `segments/` and `catalog.sqlite`; created when missing.
  package var directory: String
  /// Kafka topic the actions come from. A data directory belongs to one topic.
  package var topic: String
  /// Bytes of segments and indexes on disk at which ingest pauses.
  package var budgetBytes: Int64 = 16 << 30
  /// Bytes at which a segment is sealed and the next one begun. At most 1 GiB: positions are 32 bits wide. What is not
  /// sealed has its index in memory, a tenth of its size, and is read at the start after a kill.
  package var segmentBytesMax: Int = 32 << 20
  /// 32 bytes from which the keys of markers and ids are derived. Every node of one feed has the same; without it
  /// one is made and kept in the data directory.
  package var sealingKey: [UInt8]?
  /// Index entries looked at for one page, so that the work of a request is bounded.
  package var pageScanMax: Int = 100_000

  package init(directory: String, topic: String) {
    self.directory = directory
    self.topic = topic
  }
}

/// The clocks a store is given; tests move them by hand.
package protocol WallClock: Sendable {
  /// Milliseconds since 1970, UTC. May be set forward and back.
  func nowMilliseconds() -> Int64
  /// Milliseconds since some moment. Never goes back, and goes on while the machine sleeps.
  func steadyMilliseconds() -> Int64
}

/// Where an action stands in the topic.
package struct ActionPosition: Hashable, Sendable, Comparable {
  package var partition: Int32
  package var offset: Int64

  package init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }

  package static func < (a: Self, b: Self) -> Bool {
    (a.partition, a.offset) < (b.partition, b.offset)
  }
}
