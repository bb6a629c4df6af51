import Crdkafka

/// What librdkafka gets as the start of an empty key or value: a null pointer would mean a null one.
/// Never written to, never freed.
nonisolated(unsafe) private let emptyBytes = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)

/// Calls `body` with the bytes of an array, valid during the call only; null for nil.
@inline(__always)
func withRecordBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
  guard let bytes else { return body(nil) }
  return bytes.withUnsafeBytes { body($0) }
}

/// The start of a key or value for the C call: null only for nil.
@inline(__always)
func recordStart(_ bytes: UnsafeRawBufferPointer?) -> UnsafeMutableRawPointer? {
  guard let bytes else { return nil }
  return bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? emptyBytes
}

/// A list of headers for one record.
enum NativeHeaders {
  /// - Returns: a list that the caller owns until librdkafka has accepted the record
  static func make(_ headers: [KafkaHeader]) -> OpaquePointer? {
    guard let list = rd_kafka_headers_new(headers.count) else { return nil }
    for header in headers {
      let code = withName(header.key) { name in
        withRecordBytes(header.value) { value in
          rd_kafka_header_add(
            list, name.baseAddress, name.count, recordStart(value).map { UnsafeRawPointer($0) }, value?.count ?? 0)
        }
      }
      if code != RD_KAFKA_RESP_ERR_NO_ERROR {
        rd_kafka_headers_destroy(list)
        return nil
      }
    }
    return list
  }

  /// The name's bytes without a copy for native strings. A non-null pointer, as librdkafka copies from it.
  private static func withName<Result>(_ name: String, _ body: (UnsafeBufferPointer<CChar>) -> Result) -> Result {
    var name = name
    return name.withUTF8 { bytes in
      guard bytes.baseAddress != nil else {
        return body(UnsafeBufferPointer(start: emptyBytes.assumingMemoryBound(to: CChar.self), count: 0))
      }
      return bytes.withMemoryRebound(to: CChar.self) { body($0) }
    }
  }
}
