import ActionStore

/// The path and query at which a page goes on, in the full form, however the page was asked for: it can then be followed
/// without knowing a header. Written without an allocation; filters are not in it.
struct NextLink {
  let queue: QueueReference
  let marker: Marker
  let limit: Int
  let sealer: TokenSealer

  private static var beforeMarker: StaticString { "?marker=" }
  private static var beforeLimit: StaticString { "&limit=" }

  /// Bytes that ``write(to:)`` writes.
  var bytes: Int {
    queue.pathPrefixBytes.count - 1 + Self.beforeMarker.utf8CodeUnitCount + TokenSealer.textBytes(of: marker)
      + Self.beforeLimit.utf8CodeUnitCount + TextCursor.digits(of: Int64(limit))
  }

  func write(to cursor: inout TextCursor) {
    // An action's path goes on behind the slash.
    cursor.write(UnsafeRawBufferPointer(rebasing: queue.pathPrefixBytes.dropLast()))
    cursor.write(Self.beforeMarker)
    let markerBytes = TokenSealer.textBytes(of: marker)
    if let room = cursor.room(for: markerBytes) {
      sealer.write(marker, queue: queue, to: UnsafeMutableRawBufferPointer(start: room, count: markerBytes))
    }
    cursor.write(Self.beforeLimit)
    cursor.write(decimal: Int64(limit))
  }

  var text: String {
    let count = bytes
    return String(unsafeUninitializedCapacity: count) { text in
      var cursor = TextCursor(UnsafeMutableRawBufferPointer(text))
      write(to: &cursor)
      return cursor.count
    }
  }
}
