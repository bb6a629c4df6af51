/// The bytes of a line while it is made: memory that is used again for the next one, and no text or array a line.
struct LineBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 4_096) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// Valid until the buffer is changed.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  mutating func removeAll() { count = 0 }

  mutating func append(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    base[count] = byte
    count += 1
  }

  mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let from = bytes.baseAddress, bytes.count > 0 else { return }
    if capacity - count < bytes.count { grow(by: bytes.count) }
    UnsafeMutableRawPointer(base + count).copyMemory(from: from, byteCount: bytes.count)
    count += bytes.count
  }

  mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) { append(UnsafeRawBufferPointer(rebasing: bytes)) }

  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// In decimal digits.
  mutating func append(number: Int64) {
    if capacity - count < 20 { grow(by: 20) }
    if number < 0 { append(UInt8(ascii: "-")) }
    var rest = number.magnitude
    var digits = 1
    var bound: UInt64 = 10
    while digits < 20, rest >= bound {
      digits += 1
      // 10 to the 20th is beyond 64 bits; the loop has ended by then.
      bound = bound &* 10
    }
    var place = count + digits
    count = place
    repeat {
      let (tens, digit) = rest.quotientAndRemainder(dividingBy: 10)
      place -= 1
      base[place] = 0x30 &+ UInt8(truncatingIfNeeded: digit)
      rest = tens
    } while rest > 0
  }

  /// `2026-11-21T04:44:00.123Z`, without quotes; see ``ArchiveTime``.
  mutating func append(time milliseconds: Int64) {
    if capacity - count < ArchiveTime.utf8Count { grow(by: ArchiveTime.utf8Count) }
    ArchiveTime.write(milliseconds, to: base + count)
    count += ArchiveTime.utf8Count
  }

  /// A JSON string in quotes, of valid UTF-8.
  mutating func append(jsonString utf8: UnsafeRawBufferPointer) {
    if utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
      var escaped: [UInt8] = []
      JSONPiece.append(string: utf8, to: &escaped)
      append(escaped)
    } else {
      append(UInt8(ascii: "\""))
      append(utf8)
      append(UInt8(ascii: "\""))
    }
  }

  mutating func append(jsonString text: String) {
    var text = text
    text.withUTF8 { append(jsonString: UnsafeRawBufferPointer($0)) }
  }

  /// RFC 4648, with padding.
  mutating func append(base64 bytes: UnsafeRawBufferPointer) {
    var text: [UInt8] = []
    Base64.append(bytes, to: &text)
    append(text)
  }

  /// Writes a space over line ends from a place on.
  mutating func replaceLineEnds(from start: Int) {
    for index in min(start, count)..<count where base[index] == 0x0A || base[index] == 0x0D { base[index] = 0x20 }
  }

  private mutating func grow(by more: Int) {
    let wanted = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = wanted
  }
}
