import AuditActions
import Crypto
import Kafka

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes the lines of an object. README, "The lines", is their format.
enum LineWriter {
  /// Of a rejected record's value, and of its key; what is beyond is left out, and said so.
  static let rejectedValueBytesMax = 1 << 20
  static let rejectedKeyBytesMax = 4_096

  /// Appends the line of a record, line end included.
  /// - Returns: whether it is an action, and where its project ends in the key.
  static func append(_ record: ArchivedRecord, to line: inout LineBuffer) -> Kind {
    switch record.judge() {
    case .action(let slash, let timeToLive, let event):
      // Judged to have both.
      guard let key = record.key, let value = record.value else { return .rejected }
      appendAction(record, key, slash, timeToLive, event, value, to: &line)
      return .action(slash: slash)
    case .rejected(let error):
      appendRejected(record, error, to: &line)
      return .rejected
    }
  }

  enum Kind: Equatable {
    case action(slash: Int)
    case rejected
  }

  /// `{"hole":{"from":5,"to":9},"partition":0}`: offsets that the topic lost before they were read.
  static func appendHole(_ offsets: ClosedRange<Int64>, partition: Int32, to line: inout LineBuffer) {
    appendStatement("hole", offsets, partition, to: &line)
  }

  /// `{"gap":{"from":5,"to":5},"partition":0}`: offsets that hold no record.
  static func appendGap(_ offsets: ClosedRange<Int64>, partition: Int32, to line: inout LineBuffer) {
    appendStatement("gap", offsets, partition, to: &line)
  }

  private static func appendStatement(
    _ name: StaticString, _ offsets: ClosedRange<Int64>, _ partition: Int32, to line: inout LineBuffer
  ) {
    line.append("{\"")
    line.append(name)
    line.append("\":{\"from\":")
    line.append(number: offsets.lowerBound)
    line.append(",\"to\":")
    line.append(number: offsets.upperBound)
    line.append("},\"partition\":")
    line.append(number: Int64(partition))
    line.append("}\n")
  }

  private static func appendAction(
    _ record: ArchivedRecord, _ key: UnsafeRawBufferPointer, _ slash: Int, _ timeToLive: Int32?, _ event: Range<Int>,
    _ value: UnsafeRawBufferPointer, to line: inout LineBuffer
  ) {
    // Project and queue need no escapes: their characters are checked.
    line.append("{\"project\":\"")
    line.append(key[..<slash])
    line.append("\",\"queue\":\"")
    line.append(key[(slash + 1)...])
    line.append("\",")
    appendPosition(record, to: &line)
    if let id = record.header(named: "ce_id"), let text = String(validating: id, as: UTF8.self) {
      line.append(",\"id\":")
      line.append(jsonString: text)
    }
    // As written in the body: a JSON string already.
    line.append(",\"event\":\"")
    line.append(value[event])
    line.append(UInt8(ascii: "\""))
    appendTime(record, to: &line)
    if let timeToLive {
      line.append(",\"ttl\":")
      line.append(number: Int64(timeToLive))
    }
    appendHeaders(record.headers, to: &line)
    line.append(",\"body\":")
    appendBody(value, to: &line)
    line.append("}\n")
  }

  /// The body as it came. JSON may have line breaks between its tokens, and a line of NDJSON may not: then each is
  /// written as a space (the same JSON), and the exact bytes follow in Base64. They also do when white space stands
  /// around the object: in a line nobody could tell it from the line's own.
  private static func appendBody(_ value: UnsafeRawBufferPointer, to line: inout LineBuffer) {
    let start = line.count
    line.append(value)
    let isBare = value.first == UInt8(ascii: "{") && value.last == UInt8(ascii: "}")
    guard !isBare || hasLineEnds(value) else { return }
    line.replaceLineEnds(from: start)
    line.append(",\"bodyBase64\":\"")
    line.append(base64: value)
    line.append(UInt8(ascii: "\""))
  }

  private static func hasLineEnds(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    return memchr(base, 0x0A, bytes.count) != nil || memchr(base, 0x0D, bytes.count) != nil
  }

  private static func appendRejected(_ record: ArchivedRecord, _ error: AuditActionError, to line: inout LineBuffer) {
    line.append("{\"rejected\":\"")
    line.append(error.code.rawValue)
    line.append("\",\"detail\":")
    line.append(jsonString: error.detail)
    line.append(UInt8(ascii: ","))
    appendPosition(record, to: &line)
    appendTime(record, to: &line)
    if let key = record.key { appendBounded("key", key, max: rejectedKeyBytesMax, to: &line) }
    appendHeaders(record.headers, to: &line)
    if let value = record.value { appendBounded("value", value, max: rejectedValueBytesMax, to: &line) }
    line.append("}\n")
  }

  /// `"keyBase64":…,"keyBytes":…`; where it is longer than the bound its beginning, and the SHA-256 of all.
  private static func appendBounded(
    _ name: String, _ bytes: UnsafeRawBufferPointer, max: Int, to line: inout LineBuffer
  ) {
    line.append(",\"\(name)Base64\":\"")
    line.append(base64: UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, max)]))
    line.append("\",\"\(name)Bytes\":\(bytes.count)")
    if bytes.count > max { line.append(",\"\(name)SHA256\":\"\(Hex.text(SHA256.hash(data: bytes)))\"") }
  }

  private static func appendPosition(_ record: ArchivedRecord, to line: inout LineBuffer) {
    line.append("\"partition\":")
    line.append(number: Int64(record.partition))
    line.append(",\"offset\":")
    line.append(number: record.offset)
  }

  private static func appendTime(_ record: ArchivedRecord, to line: inout LineBuffer) {
    let kind: StaticString
    switch record.timestamp {
    case .createTime: kind = "CreateTime"
    case .logAppendTime: kind = "LogAppendTime"
    case .unavailable: return
    }
    if let milliseconds = record.milliseconds {
      line.append(",\"time\":\"")
      line.append(time: milliseconds)
      line.append(UInt8(ascii: "\""))
    } else if let milliseconds = record.timestamp.milliseconds {
      // A year that four digits cannot say.
      line.append(",\"timestampMilliseconds\":")
      line.append(number: milliseconds)
    }
    line.append(",\"timeType\":\"")
    line.append(kind)
    line.append(UInt8(ascii: "\""))
  }

  /// `"headers":{"name":value}`: a text; null; `{"base64":"…"}` where it is no UTF-8; an array where a name repeats.
  private static func appendHeaders(_ headers: [KafkaHeader], to line: inout LineBuffer) {
    line.append(",\"headers\":{")
    guard !headers.isEmpty else { return line.append(UInt8(ascii: "}")) }
    for (index, header) in byName(headers).enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      line.append(jsonString: header.name)
      line.append(UInt8(ascii: ":"))
      if header.values.count > 1 { line.append(UInt8(ascii: "[")) }
      for (place, value) in header.values.enumerated() {
        if place > 0 { line.append(UInt8(ascii: ",")) }
        append(headerValue: value, to: &line)
      }
      if header.values.count > 1 { line.append(UInt8(ascii: "]")) }
    }
    line.append(UInt8(ascii: "}"))
  }

  /// Names in the order of their first use. A record may have tens of thousands of headers: no quadratic search.
  private static func byName(_ headers: [KafkaHeader]) -> [(name: String, values: [[UInt8]?])] {
    var found: [(name: String, values: [[UInt8]?])] = []
    var places: [String: Int] = [:]
    for header in headers {
      if let place = places[header.key] {
        found[place].values.append(header.value)
      } else {
        places[header.key] = found.count
        found.append((header.key, [header.value]))
      }
    }
    return found
  }

  private static func append(headerValue: [UInt8]?, to line: inout LineBuffer) {
    guard let bytes = headerValue else {
      line.append("null")
      return
    }
    if let text = String(validating: bytes, as: UTF8.self) {
      line.append(jsonString: text)
    } else {
      line.append("{\"base64\":\"")
      bytes.withUnsafeBytes { line.append(base64: $0) }
      line.append("\"}")
    }
  }
}
