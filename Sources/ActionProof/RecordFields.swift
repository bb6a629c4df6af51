import Cprocessor

/// What checksum and signature of a record are made of: its key, its value, and those of its headers that say what it
/// is and whose. Pointers are borrowed, and valid as long as the record's.
///
/// The bytes that are proved, so that any client can make them:
///
/// | bytes | what |
/// | --- | --- |
/// | 20 | `strandline-action/1` and a line end (0x0A) |
/// | 4 + n | the key |
/// | 4 + n | the value |
/// | 4 + n each | the values of the headers `ce_id`, `ce_source`, `ce_time`, `ce_logid`, `ce_sequence`, `ttl` |
///
/// Before each stands how many bytes it has, 4 bytes, the highest first (RFC 4251's `string`); FF FF FF FF and no bytes
/// for one that is not there or null. Of a header that repeats the last counts.
package struct RecordFields {
  package static let checksumHeader: StaticString = "ce_crc32c"
  package static let signatureHeader: StaticString = "ce_signature"

  package var key: UnsafeRawBufferPointer?
  package var value: UnsafeRawBufferPointer?
  package private(set) var id: UnsafeRawBufferPointer?
  package private(set) var source: UnsafeRawBufferPointer?
  package private(set) var time: UnsafeRawBufferPointer?
  package var log: UnsafeRawBufferPointer?
  package var sequence: UnsafeRawBufferPointer?
  package private(set) var timeToLive: UnsafeRawBufferPointer?
  /// Not among what is proved.
  package private(set) var checksum: UnsafeRawBufferPointer?
  /// Not among what is proved.
  package private(set) var signature: UnsafeRawBufferPointer?

  package init(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
    self.key = key
    self.value = value
  }

  /// Takes a header; those of no concern are passed over. To be called in the order of the headers.
  package mutating func set(_ name: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer?) {
    switch name.count {
    case 3: if name.is("ttl") { timeToLive = value }
    case 5: if name.is("ce_id") { id = value }
    case 7: if name.is("ce_time") { time = value }
    case 8: if name.is("ce_logid") { log = value }
    case 9:
      if name.is("ce_source") { source = value } else if name.is(Self.checksumHeader) { checksum = value }
    case 11: if name.is("ce_sequence") { sequence = value }
    case 12: if name.is(Self.signatureHeader) { signature = value }
    default: break
    }
  }

  /// Those of a record whose bytes are owned, all valid for the call.
  package static func with<Result>(
    key: [UInt8]?, value: [UInt8]?, headers: [(name: [UInt8], value: [UInt8]?)],
    _ body: (RecordFields) throws -> Result
  ) rethrows -> Result {
    // In one piece of memory, so that all pointers are good at once.
    var memory = (key ?? []) + (value ?? [])
    for header in headers { memory += header.name + (header.value ?? []) }
    return try memory.withUnsafeBytes { memory in
      var position = 0
      func take(_ count: Int) -> UnsafeRawBufferPointer {
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: memory[position..<(position + count)])
      }
      let key = key.map { take($0.count) }
      var fields = RecordFields(key: key, value: value.map { take($0.count) })
      for header in headers {
        let name = take(header.name.count)
        fields.set(name, to: header.value.map { take($0.count) })
      }
      return try body(fields)
    }
  }

  /// The bytes that are proved, piece by piece.
  private func forEachPiece(_ visit: (UnsafeRawBufferPointer) -> Void) {
    let version: StaticString = "strandline-action/1\n"
    visit(UnsafeRawBufferPointer(start: version.utf8Start, count: version.utf8CodeUnitCount))
    func visitField(_ field: UnsafeRawBufferPointer?) {
      // A record has less than 2 GiB.
      withUnsafeBytes(of: (field.map { UInt32(clamping: $0.count) } ?? .max).bigEndian) { visit($0) }
      if let field { visit(field) }
    }
    visitField(key)
    visitField(value)
    visitField(id)
    visitField(source)
    visitField(time)
    visitField(log)
    visitField(sequence)
    visitField(timeToLive)
  }

  /// What a signature is of.
  package var provedBytes: [UInt8] {
    var bytes: [UInt8] = []
    forEachPiece { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// CRC-32C of what is proved.
  package var computedChecksum: UInt32 {
    var state: UInt32 = 0xFFFF_FFFF
    forEachPiece { piece in
      guard let start = piece.baseAddress else { return }
      state = processor_crc32c_anywhere(state, start.assumingMemoryBound(to: UInt8.self), piece.count)
    }
    return ~state
  }
}

extension UnsafeRawBufferPointer {
  /// Of the same length: whether it is this text.
  fileprivate func `is`(_ text: StaticString) -> Bool {
    elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}

/// A checksum as a header has it: eight hexadecimal digits.
package enum ChecksumText {
  package static let bytes = 8

  package static func encode(_ checksum: UInt32) -> [UInt8] {
    (0..<bytes).map { place in
      let digit = UInt8(truncatingIfNeeded: checksum >> UInt32(28 - 4 * place)) & 0xF
      return digit < 10 ? 0x30 + digit : 0x57 + digit
    }
  }

  /// Nil for anything but eight hexadecimal digits, of either case.
  static func decode(_ text: UnsafeRawBufferPointer) -> UInt32? {
    guard text.count == bytes else { return nil }
    var checksum: UInt32 = 0
    for byte in text {
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x37
      case 0x61...0x66: digit = byte - 0x57
      default: return nil
      }
      checksum = checksum << 4 | UInt32(digit)
    }
    return checksum
  }
}
