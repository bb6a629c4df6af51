import ActionStore
import NIOCore

/// The body of a page, whichever way it goes out.
///
///     {"links":[{"rel":"next","href":"…"}],"messages":[…],"gaps":[…]}
struct PageText {
  let actions: [StoredAction]
  let writer: ActionWriter
  /// Where reading goes on, path and query.
  let next: String
  /// The gaps as JSON; nil when there are none.
  let gaps: ByteBuffer?

  init(_ page: Page, writer: ActionWriter, next: String, archive: ArchiveLink?) {
    actions = page.actions
    self.writer = writer
    self.next = next
    var gaps: ByteBuffer?
    if !page.gaps.isEmpty {
      var text = ByteBuffer()
      text.writeGaps(page.gaps, archive: archive)
      gaps = text
    }
    self.gaps = gaps
  }

  /// Bytes that ``write(to:)`` writes.
  var bytes: Int {
    Self.start.utf8CodeUnitCount + next.utf8.count + Self.middle.utf8CodeUnitCount + writer.bytes(of: actions)
      + (gaps.map { Self.beforeGaps.utf8CodeUnitCount + $0.readableBytes } ?? 0) + 2
  }

  private static var start: StaticString { "{\"links\":[{\"rel\":\"next\",\"href\":\"" }
  private static var middle: StaticString { "\"}],\"messages\":[" }
  private static var beforeGaps: StaticString { ",\"gaps\":" }

  func write(to cursor: inout TextCursor) {
    cursor.write(Self.start)
    cursor.write(next)
    cursor.write(Self.middle)
    writer.write(actions, to: &cursor)
    cursor.write(byte: 0x5D)
    if let gaps {
      cursor.write(Self.beforeGaps)
      cursor.write(gaps)
    }
    cursor.write(byte: 0x7D)
  }
}
