import NIOCore

/// Writes text into memory whose size was worked out before. What does not fit is left out, and told by ``isWhole``.
///
/// A page is a thousand small pieces: each appended to a `ByteBuffer` would be looked at for room and for owners.
struct TextCursor {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0
  /// False when something did not fit: then the sizes were worked out wrongly, and the text is of no use.
  private(set) var isWhole = true

  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  /// The next `size` bytes, to be filled at once; nil when there is no room.
  @inline(__always)
  mutating func room(for size: Int) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= memory.count &- count, let start = memory.baseAddress else {
      isWhole = false
      return nil
    }
    defer { count &+= size }
    return start + count
  }

  @inline(__always)
  mutating func write(_ text: StaticString) {
    room(for: text.utf8CodeUnitCount)?.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
  }

  @inline(__always)
  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    room(for: bytes.count)?.copyMemory(from: start, byteCount: bytes.count)
  }

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  @inline(__always)
  mutating func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

  /// What was written from a place on. Valid as long as the memory; what follows does not change it.
  func text(from start: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<count]) }

  /// Lower-case hexadecimal digits, without zeros in front.
  mutating func write(hexadecimal number: UInt64) {
    let digits = max(1, (67 - number.leadingZeroBitCount) / 4)
    guard let room = room(for: digits) else { return }
    var rest = number
    for position in stride(from: digits - 1, through: 0, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      room.storeBytes(of: digit < 10 ? 0x30 &+ digit : 0x57 &+ digit, toByteOffset: position, as: UInt8.self)
      rest >>= 4
    }
  }

  mutating func write(_ buffer: ByteBuffer) { buffer.withUnsafeReadableBytes { write($0) } }

  @inline(__always)
  mutating func write(byte: UInt8) { room(for: 1)?.storeBytes(of: byte, as: UInt8.self) }

  /// Decimal digits of a number that is not negative; of one that is, those of zero.
  @inline(__always)
  mutating func write(decimal value: Int64) {
    let digits = Self.digits(of: value)
    guard let room = room(for: digits) else { return }
    Self.write(decimal: value, digits: digits, to: room)
  }

  /// - Parameter digits: as many as the number has, and there is room for.
  @inline(__always)
  static func write(decimal value: Int64, digits: Int, to room: UnsafeMutableRawPointer) {
    var rest = UInt64(max(0, value))
    var position = digits
    repeat {
      position &-= 1
      room.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position, as: UInt8.self)
      rest /= 10
    } while position > 0
  }

  /// How many digits ``write(decimal:)`` writes.
  @inline(__always)
  static func digits(of value: Int64) -> Int {
    var digits = 1
    var bound: Int64 = 10
    while value >= bound, digits < 19 {
      digits &+= 1
      bound = bound &* 10
    }
    return digits
  }
}

extension ByteBuffer {
  /// Appends text of at most `count` bytes. False, and nothing is appended, when it did not fit.
  mutating func writeText(count: Int, _ write: (inout TextCursor) -> Void) -> Bool {
    var isWhole = false
    writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
      var cursor = TextCursor(UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
      write(&cursor)
      isWhole = cursor.isWhole
      return isWhole ? cursor.count : 0
    }
    return isWhole
  }
}
