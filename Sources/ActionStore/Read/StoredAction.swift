/// One action as a reader gets it. Its body stays in the mapped segment until it is copied to where it goes.
package struct StoredAction: Sendable {
  package let position: ActionPosition
  package let createdMilliseconds: Int64
  package let timeToLiveSeconds: Int32
  let ordinal: UInt64
  private let segment: Segment
  private let bodyPosition: Int
  package let bodyCount: Int

  init(_ entry: IndexEntry, partition: Int32, segment: Segment) {
    position = ActionPosition(partition: partition, offset: entry.offset)
    createdMilliseconds = entry.createdMilliseconds
    timeToLiveSeconds = entry.timeToLiveSeconds
    ordinal = entry.ordinal
    self.segment = segment
    segment.check?.check(body: Int(entry.position), count: Int(entry.bodyBytes))
    bodyPosition = Int(entry.position)
    bodyCount = Int(entry.bodyBytes)
  }

  /// Whole seconds since the action was created; never negative, whatever clocks do.
  package func age(at nowMilliseconds: Int64) -> Int64 { max(0, nowMilliseconds - createdMilliseconds) / 1_000 }

  /// The body as the producer sent it, byte for byte. The pointer is valid inside the call.
  package func withBody<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(segment) {
      body(UnsafeRawBufferPointer(start: segment.mapping.address + bodyPosition, count: bodyCount))
    }
  }

  package var body: [UInt8] { withBody { Array($0) } }
}
