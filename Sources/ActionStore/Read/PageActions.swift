/// What a page holds of one action: numbers only, so that no references are counted for it.
package struct ActionEntry: Sendable {
  package let offset: Int64
  package let createdMilliseconds: Int64
  let ordinal: UInt64
  /// Where the body lies, in the mapped file: valid as long as the ``PageActions`` or ``StoredAction`` it came from.
  package nonisolated(unsafe) let bodyAddress: UnsafeRawPointer
  package let bodyCount: Int
  package let timeToLiveSeconds: Int32
  package let partition: Int32

  @inline(__always)
  init(_ entry: IndexEntry, partition: Int32, segmentAddress: UnsafeRawPointer) {
    offset = entry.offset
    createdMilliseconds = entry.createdMilliseconds
    ordinal = entry.ordinal
    bodyAddress = segmentAddress + Int(entry.position)
    bodyCount = Int(entry.bodyBytes)
    timeToLiveSeconds = entry.timeToLiveSeconds
    self.partition = partition
  }

  package static func age(of createdMilliseconds: Int64, at nowMilliseconds: Int64) -> Int64 {
    max(0, nowMilliseconds - createdMilliseconds) / 1_000
  }
}

/// The actions of a page. Keeps the segments they lie in, each once.
package struct PageActions: RandomAccessCollection, Sendable {
  private var entries: ContiguousArray<ActionEntry> = []
  /// Each with the index of its first entry.
  private var segments: [(segment: Segment, start: Int)] = []

  package init() {}

  package init(_ actions: [StoredAction]) {
    for action in actions { append(action.entry, in: action.segment) }
  }

  mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }

  mutating func append(_ entry: ActionEntry, in segment: Segment) {
    if segments.last?.segment !== segment { segments.append((segment, entries.count)) }
    entries.append(entry)
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { entries.count }

  package subscript(index: Int) -> StoredAction {
    let segment = segments.lastIndex { $0.start <= index } ?? 0
    return StoredAction(entries[index], segment: segments[segment].segment)
  }

  /// The entries, for a look at all of them. They are valid inside the call.
  package func withEntries(_ body: (UnsafeBufferPointer<ActionEntry>) -> Void) {
    entries.withUnsafeBufferPointer(body)
    withExtendedLifetime(segments) {}
  }
}
