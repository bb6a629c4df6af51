/// Divides a stream of bytes into lines, with a bound on their length.
struct LineSplitter {
  /// Longer ones are not ours: a record's value has at most 256 KiB, what is rejected 1 MiB, and headers what the
  /// broker takes in a record, each at most six times as long once escaped.
  static let lineBytesMax = 64 << 20

  private var rest: [UInt8] = []

  /// Whether nothing is left that has no line end.
  var isAtLineStart: Bool { rest.isEmpty }

  /// Gives every line that has ended, without its line end. The pointer is valid for the call.
  /// - Throws: `garbled` for a line that is too long, or what `body` throws.
  mutating func take(_ chunk: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    var start = 0
    while start < chunk.count {
      let tail = UnsafeRawBufferPointer(rebasing: chunk[start...])
      guard let end = tail.firstIndex(of: 0x0A) else {
        guard rest.count + tail.count <= Self.lineBytesMax else {
          throw ArchiveError(.garbled, "a line has more than \(Self.lineBytesMax) bytes")
        }
        rest += tail
        return
      }
      if rest.isEmpty {
        try body(UnsafeRawBufferPointer(rebasing: tail[..<end]))
      } else {
        guard rest.count + end <= Self.lineBytesMax else {
          throw ArchiveError(.garbled, "a line has more than \(Self.lineBytesMax) bytes")
        }
        rest += tail[..<end]
        try rest.withUnsafeBytes { try body($0) }
        rest.removeAll(keepingCapacity: true)
      }
      start += end + 1
    }
  }
}
