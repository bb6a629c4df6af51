@testable import ActionStore

/// Makes the checksums of damaged files right again, so that what they guard is looked at too.
enum Checksums {
  /// Of every frame that still looks like one, and of the header.
  static func mendSegment(_ file: inout [UInt8]) {
    file.withUnsafeMutableBytes { bytes in
      guard bytes.count >= SegmentHeader.fixedBytes else { return }
      let raw = UnsafeRawBufferPointer(bytes)
      let headerBytes = Int(raw.integer(at: 12, as: UInt32.self))
      guard headerBytes >= SegmentHeader.fixedBytes, headerBytes <= bytes.count else { return }
      var crc = CRC32C()
      crc.update(UnsafeRawBufferPointer(rebasing: raw[..<72]))
      withUnsafeBytes(of: UInt32(0)) { crc.update($0) }
      crc.update(UnsafeRawBufferPointer(rebasing: raw[76..<headerBytes]))
      bytes.store(crc.value, at: 72)
      var position = headerBytes
      while position + FrameHeader.fixedBytes <= bytes.count, raw.integer(at: position) == FrameHeader.magic {
        let payload = Int(raw.integer(at: position + 4, as: UInt32.self))
        let end = position + FrameHeader.fixedBytes + payload
        guard end <= bytes.count else { return }
        bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[(position + 12)..<end])), at: position + 8)
        position = end
      }
    }
  }

  static func mendIndex(_ file: inout [UInt8]) {
    file.withUnsafeMutableBytes { bytes in
      guard bytes.count >= IndexFile.headerBytes else { return }
      let read = UnsafeRawBufferPointer(bytes)
      let groups = IndexFile.headerBytes + Int(read.integer(at: 76, as: UInt32.self)) * IndexFile.coverageBytes
      let keys = groups + Int(read.integer(at: 32, as: UInt32.self)) * IndexFile.groupBytes
      let (entries, isOverflow) = keys.addingReportingOverflow(
        Int(truncatingIfNeeded: read.integer(at: 40, as: UInt64.self)))
      guard !isOverflow, entries >= keys, entries <= bytes.count else { return }
      for at in stride(from: groups, to: keys, by: IndexFile.groupBytes) {
        let start = entries + Int(read.integer(at: at + 20, as: UInt32.self)) * IndexFile.entryBytes
        let end = start + Int(read.integer(at: at + 24, as: UInt32.self)) * IndexFile.entryBytes
        if end <= bytes.count {
          bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: read[start..<end])), at: at + 28)
        }
      }
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: read[16..<entries])), at: 12)
    }
  }
}
