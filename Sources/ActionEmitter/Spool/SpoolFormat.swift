import Cprocessor

/// A spool file, `<number>.spool`. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | `STRSPOOL` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | bytes of the file |
/// | 16 | 8 | log id |
/// | 24 | 8 | number of the file, ascending by one |
/// | 32 | 2 | bytes of the source |
/// | 34 | 256 | source, filled up with zeros |
/// | 508 | 4 | CRC-32C of what is before |
/// | 512 | | records; then zeros |
///
/// A record begins at a multiple of 8:
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 4 | bytes of the payload. Stored last: while it is zero there is no record |
/// | 4 | 4 | CRC-32C of log id, number of the file, position of the record, bytes of the payload, payload |
/// | 8 | | payload: see ``SpoolRecord`` |
enum SpoolFormat {
  static let headerBytes = 512
  static let sourceBytesMax = 256
  static let recordHeadBytes = 8
  static let version: UInt32 = 1
  private static let magic: UInt64 = 0x4C4F_4F50_5352_5453

  struct Header: Equatable {
    var fileBytes: Int
    var logID: Int64
    var number: UInt64
    var source: String
  }

  enum Reading: Equatable {
    case whole(Header)
    case damaged
    case newerVersion
  }

  static func encode(_ header: Header) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: headerBytes)
    let source = Array(header.source.utf8.prefix(sourceBytesMax))
    bytes.withUnsafeMutableBytes { bytes in
      bytes.put(magic, at: 0)
      bytes.put(version, at: 8)
      bytes.put(UInt32(clamping: header.fileBytes), at: 12)
      bytes.put(header.logID, at: 16)
      bytes.put(header.number, at: 24)
      bytes.put(UInt16(clamping: source.count), at: 32)
      UnsafeMutableRawBufferPointer(rebasing: bytes[34...]).copyBytes(from: source)
      bytes.put(checksum(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<508])), at: 508)
    }
    return bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> Reading {
    guard bytes.count >= headerBytes, bytes.get(at: 0) == magic,
      bytes.get(at: 508) == checksum(UnsafeRawBufferPointer(rebasing: bytes[..<508]))
    else { return .damaged }
    guard bytes.get(at: 8) == version else { return .newerVersion }
    let (logID, number): (Int64, UInt64) = (bytes.get(at: 16), bytes.get(at: 24))
    let (fileBytes, sourceBytes) = (Int(bytes.get(at: 12, as: UInt32.self)), Int(bytes.get(at: 32, as: UInt16.self)))
    guard logID > 0, number > 0, number < 1 << 53, sourceBytes <= sourceBytesMax else { return .damaged }
    let source = String(decoding: bytes[34..<(34 + sourceBytes)], as: UTF8.self)
    return .whole(Header(fileBytes: fileBytes, logID: logID, number: number, source: source))
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer, of header: Header? = nil, at position: Int = 0) -> UInt32 {
    var state: UInt32 = 0xFFFF_FFFF
    func add(_ bytes: UnsafeRawBufferPointer) {
      guard let start = bytes.baseAddress else { return }
      state = processor_crc32c_anywhere(state, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    if let header {
      let place = (header.logID.littleEndian, header.number.littleEndian, UInt64(position).littleEndian)
      withUnsafeBytes(of: place) { add($0) }
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { add($0) }
    }
    add(bytes)
    return ~state
  }

  /// Bytes in the file of a record with so large a payload.
  static func recordBytes(payload: Int) -> Int { (recordHeadBytes + payload + 7) & ~7 }
}

/// Unaligned little-endian access.
extension UnsafeRawBufferPointer {
  func get<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

extension UnsafeMutableRawBufferPointer {
  func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
  }
}
