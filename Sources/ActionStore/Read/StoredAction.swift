/// One action as a reader gets it. Its body stays in the mapped segment until it is copied to where it goes.
package struct StoredAction: Sendable {
  package let position: ActionPosition
  package let createdMilliseconds: Int64
  package let timeToLiveSeconds: Int32
  let ordinal: UInt64
  /// Where the body lies, in the mapped file; valid as long as this action is kept.
  package nonisolated(unsafe) let bodyAddress: UnsafeRawPointer
  package let bodyCount: Int
  /// Keeps the mapping.
  private let segment: Segment

  init(_ entry: IndexEntry, partition: Int32, segment: Segment) {
    position = ActionPosition(partition: partition, offset: entry.offset)
    createdMilliseconds = entry.createdMilliseconds
    timeToLiveSeconds = entry.timeToLiveSeconds
    ordinal = entry.ordinal
    self.segment = segment
    bodyAddress = segment.mapping.address + Int(entry.position)
    bodyCount = Int(entry.bodyBytes)
  }

  /// Whole seconds since the action was created; never negative, whatever clocks do.
  package func age(at nowMilliseconds: Int64) -> Int64 { Self.age(of: createdMilliseconds, at: nowMilliseconds) }

  package static func age(of createdMilliseconds: Int64, at nowMilliseconds: Int64) -> Int64 {
    max(0, nowMilliseconds - createdMilliseconds) / 1_000
  }

  /// The body as the producer sent it, byte for byte. The pointer is valid inside the call.
  package func withBody<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(segment) {
      body(UnsafeRawBufferPointer(start: bodyAddress, count: bodyCount))
    }
  }

  package var body: [UInt8] { withBody { Array($0) } }
}
