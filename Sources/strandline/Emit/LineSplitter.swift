/// Cuts a stream of bytes into lines, however the chunks fall. A line that is longer than the bound is passed over up to
/// its end and reported as too long, so that memory stays bounded whatever comes in.
struct LineSplitter {
  enum Line {
    case bytes(UnsafeRawBufferPointer)
    case tooLong
  }

  private let bytesMax: Int
  private var rest: [UInt8] = []
  private var isTooLong = false
  /// Lines begun so far; the number of the line last given.
  private(set) var number = 0

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// Gives every line that ends in `chunk`, without its line end (LF or CRLF). Empty lines are counted, not given.
  mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (_ number: Int, Line) -> Void) {
    var start = 0
    while start < chunk.count {
      guard let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        keep(chunk[start...])
        return
      }
      give(chunk[start..<end], body)
      start = end + 1
    }
  }

  /// Gives what stands after the last line end.
  mutating func finish(_ body: (_ number: Int, Line) -> Void) {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    if !rest.isEmpty || isTooLong { give(nothing[...], body) }
  }

  private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
    guard !isTooLong else { return }
    if rest.count + bytes.count > bytesMax {
      isTooLong = true
      rest = []
    } else {
      rest += bytes
    }
  }

  private mutating func give(_ bytes: Slice<UnsafeRawBufferPointer>, _ body: (Int, Line) -> Void) {
    number += 1
    if isTooLong || !rest.isEmpty {
      keep(bytes)
      if isTooLong { body(number, .tooLong) } else { rest.withUnsafeBytes { Self.give($0[...], number, body) } }
      rest.removeAll(keepingCapacity: true)
      isTooLong = false
    } else if bytes.count > bytesMax {
      body(number, .tooLong)
    } else {
      Self.give(bytes, number, body)
    }
  }

  private static func give(_ bytes: Slice<UnsafeRawBufferPointer>, _ number: Int, _ body: (Int, Line) -> Void) {
    let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
    let isBlank = line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    if !isBlank { body(number, .bytes(UnsafeRawBufferPointer(rebasing: line))) }
  }
}
