/// One action as a reader gets it. Its body stays in the mapped segment until it is copied to where it goes.
package struct StoredAction: Sendable {
  let entry: ActionEntry
  /// Keeps the mapping.
  let segment: Segment

  init(_ entry: ActionEntry, segment: Segment) {
    self.entry = entry
    self.segment = segment
  }

  init(_ entry: IndexEntry, partition: Int32, segment: Segment) {
    segment.check?.check(body: Int(entry.position), count: Int(entry.bodyBytes))
    self.init(ActionEntry(entry, partition: partition, segmentAddress: segment.mapping.address), segment: segment)
  }

  package var position: ActionPosition { ActionPosition(partition: entry.partition, offset: entry.offset) }
  package var createdMilliseconds: Int64 { entry.createdMilliseconds }
  package var timeToLiveSeconds: Int32 { entry.timeToLiveSeconds }
  var ordinal: UInt64 { entry.ordinal }

  /// Whole seconds since the action was created; never negative, whatever clocks do.
  package func age(at nowMilliseconds: Int64) -> Int64 {
    ActionEntry.age(of: createdMilliseconds, at: nowMilliseconds)
  }

  /// The body as the producer sent it, byte for byte. The pointer is valid inside the call.
  package func withBody<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(segment) {
      body(UnsafeRawBufferPointer(start: entry.bodyAddress, count: entry.bodyCount))
    }
  }

  package var body: [UInt8] { withBody { Array($0) } }
}
