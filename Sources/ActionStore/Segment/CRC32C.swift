import Cprocessor

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum Kafka itself uses for its record batches.
///
/// By the processor's instructions where it has them; else slicing-by-8: eight table look-ups for eight bytes.
struct CRC32C {
  private static let hasInstructions = processor_has_crc32c() != 0

  private var state: UInt32 = 0xFFFF_FFFF

  var value: UInt32 { ~state }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard Self.hasInstructions, let start = bytes.baseAddress else { return updateByTables(bytes) }
    state = processor_crc32c(state, start.assumingMemoryBound(to: UInt8.self), bytes.count)
  }

  mutating func updateByTables(_ bytes: UnsafeRawBufferPointer) {
    state = Self.tables.withUnsafeBufferPointer { tables in
      Self.advance(state, over: bytes, tables: tables)
    }
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C()
    crc.update(bytes)
    return crc.value
  }

  private static func advance(
    _ start: UInt32, over bytes: UnsafeRawBufferPointer, tables t: UnsafeBufferPointer<UInt32>
  ) -> UInt32 {
    var crc = start
    var index = 0
    let count = bytes.count
    while index &+ 8 <= count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
      crc =
        t[1792 &+ Int(word & 0xFF)] ^ t[1536 &+ Int((word >> 8) & 0xFF)] ^ t[1280 &+ Int((word >> 16) & 0xFF)]
        ^ t[1024 &+ Int((word >> 24) & 0xFF)] ^ t[768 &+ Int((word >> 32) & 0xFF)] ^ t[512 &+ Int((word >> 40) & 0xFF)]
        ^ t[256 &+ Int((word >> 48) & 0xFF)] ^ t[Int(word >> 56)]
      index &+= 8
    }
    while index < count {
      crc = t[Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ (crc >> 8)
      index &+= 1
    }
    return crc
  }

  /// Eight tables of 256 entries, one after the other.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
      tables[byte] = crc
    }
    for byte in 0..<256 {
      for slice in 1..<8 {
        let previous = tables[(slice - 1) * 256 + byte]
        tables[slice * 256 + byte] = tables[Int(previous & 0xFF)] ^ (previous >> 8)
      }
    }
    return tables
  }()
}
