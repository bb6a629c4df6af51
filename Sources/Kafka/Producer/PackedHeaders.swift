import Crdkafka

/// A record's headers in one piece of memory, for those who send many: a list of ``KafkaHeader`` costs an allocation for
/// each value.
public struct PackedHeaders: Sendable {
  /// Of each header: bytes of the name and of the value (8 each, in the machine's order), the name, the value.
  private(set) var bytes: [UInt8] = []
  public private(set) var count = 0
  /// Bytes of all names and values.
  public private(set) var contentBytes = 0

  /// - Parameter capacity: bytes to make room for at once, 16 a header included
  public init(capacity: Int) { bytes.reserveCapacity(capacity) }

  /// The headers of another, to be added to.
  /// - Parameter room: bytes to make room for behind them, 16 a header included
  public init(_ headers: PackedHeaders, room: Int) {
    self = headers
    bytes.reserveCapacity(headers.bytes.count + room)
  }

  public mutating func append(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    withUnsafeBytes(of: (name.utf8CodeUnitCount, value.count)) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(contentsOf: value)
    count += 1
    contentBytes += name.utf8CodeUnitCount + value.count
  }

  /// All headers at once; valid for the call.
  public func withAll<Result>(
    _ body: ([(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)]) -> Result
  ) -> Result {
    bytes.withUnsafeBytes { bytes in
      var all: [(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)] = []
      Self.forEach(in: bytes, count: count) { all.append(($0, $1)) }
      return body(all)
    }
  }

  /// Every header's name and value, in order; valid for the call.
  public func forEach(_ visit: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { Self.forEach(in: $0, count: count, visit) }
  }

  private static func forEach(
    in bytes: UnsafeRawBufferPointer, count: Int,
    _ visit: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    var position = 0
    for _ in 0..<count {
      let (nameBytes, valueBytes) = bytes.loadUnaligned(fromByteOffset: position, as: (Int, Int).self)
      let content = UnsafeRawBufferPointer(rebasing: bytes[(position + 16)...].prefix(nameBytes + valueBytes))
      visit(
        UnsafeRawBufferPointer(rebasing: content.prefix(nameBytes)),
        UnsafeRawBufferPointer(rebasing: content.dropFirst(nameBytes)))
      position += 16 + nameBytes + valueBytes
    }
  }
}

/// The headers of a record that is sent.
enum RecordHeaders {
  case list([KafkaHeader])
  case packed(PackedHeaders)

  var isEmpty: Bool {
    switch self {
    case .list(let headers): headers.isEmpty
    case .packed(let headers): headers.count == 0
    }
  }
}

extension NativeHeaders {
  /// - Returns: a list that the caller owns until librdkafka has accepted the record
  static func make(_ headers: RecordHeaders) -> OpaquePointer? {
    switch headers {
    case .list(let headers): make(headers)
    case .packed(let headers): make(headers)
    }
  }

  private static func make(_ headers: PackedHeaders) -> OpaquePointer? {
    guard let list = rd_kafka_headers_new(headers.count) else { return nil }
    let isWhole = headers.bytes.withUnsafeBytes { bytes in
      var position = 0
      for _ in 0..<headers.count {
        let (nameBytes, valueBytes) = bytes.loadUnaligned(fromByteOffset: position, as: (Int, Int).self)
        let name = UnsafeRawBufferPointer(rebasing: bytes[(position + 16)...].prefix(nameBytes))
        let value = UnsafeRawBufferPointer(rebasing: bytes[(position + 16 + nameBytes)...].prefix(valueBytes))
        let code = rd_kafka_header_add(
          list, recordStart(name)?.assumingMemoryBound(to: CChar.self), nameBytes,
          recordStart(value).map { UnsafeRawPointer($0) }, valueBytes)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return false }
        position += 16 + nameBytes + valueBytes
      }
      return true
    }
    guard isWhole else {
      rd_kafka_headers_destroy(list)
      return nil
    }
    return list
  }
}
