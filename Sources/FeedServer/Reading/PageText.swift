import ActionStore
import NIOCore

/// The body of a page, whichever way it goes out.
///
///     {"links":[{"rel":"next","href":"…"}],"messages":[…],"gaps":[…],"missing":[…]}
struct PageText {
  let actions: PageActions
  let writer: ActionWriter
  /// The gaps as JSON; nil when there are none.
  let gaps: ByteBuffer?
  /// The numbers that have not come, as JSON; nil when there are none.
  let missing: ByteBuffer?

  init(_ page: Page, missing: MissingNumbers?, writer: ActionWriter, archive: ArchiveLink?) {
    actions = page.actions
    self.writer = writer
    gaps = page.gaps.isEmpty ? nil : Self.text(of: page.gaps, archive)
    self.missing = missing?.text
  }

  private static func text(of gaps: [Gap], _ archive: ArchiveLink?) -> ByteBuffer {
    var text = ByteBuffer()
    text.writeGaps(gaps, archive: archive)
    return text
  }

  /// Bytes that ``write(to:next:)`` writes.
  /// - Parameter next: those of the link.
  func bytes(next: Int) -> Int {
    Self.start.utf8CodeUnitCount + next + Self.middle.utf8CodeUnitCount + writer.bytes(of: actions)
      + (gaps.map { Self.beforeGaps.utf8CodeUnitCount + $0.readableBytes } ?? 0)
      + (missing.map { Self.beforeMissing.utf8CodeUnitCount + $0.readableBytes } ?? 0) + 2
  }

  private static var start: StaticString { "{\"links\":[{\"rel\":\"next\",\"href\":\"" }
  private static var middle: StaticString { "\"}],\"messages\":[" }
  private static var beforeGaps: StaticString { ",\"gaps\":" }
  private static var beforeMissing: StaticString { ",\"missing\":" }

  /// - Parameter next: where reading goes on, path and query.
  func write(to cursor: inout TextCursor, next: UnsafeRawBufferPointer) {
    cursor.write(Self.start)
    cursor.write(next)
    cursor.write(Self.middle)
    writer.write(actions, to: &cursor)
    cursor.write(byte: 0x5D)
    if let gaps {
      cursor.write(Self.beforeGaps)
      cursor.write(gaps)
    }
    if let missing {
      cursor.write(Self.beforeMissing)
      cursor.write(missing)
    }
    cursor.write(byte: 0x7D)
  }
}
