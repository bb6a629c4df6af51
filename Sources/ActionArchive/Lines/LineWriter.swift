import AuditActions
import Crypto
import Kafka

/// Writes the lines of an object. README, "The lines", is their format.
enum LineWriter {
  /// Of a rejected record's value, and of its key; what is beyond is left out, and said so.
  static let rejectedValueBytesMax = 1 << 20
  static let rejectedKeyBytesMax = 4_096

  /// Appends the line of a record, line end included.
  /// - Returns: whether it is an action, and of which project.
  static func append(_ record: ArchivedRecord, to line: inout [UInt8]) -> Kind {
    switch record.judge() {
    case .action(let slash, let timeToLive, let event):
      // Judged to have both.
      guard let key = record.key, let value = record.value else { return .rejected }
      appendAction(record, key, slash, timeToLive, event, value, to: &line)
      return .action(project: String(decoding: key[..<slash], as: UTF8.self))
    case .rejected(let error):
      appendRejected(record, error, to: &line)
      return .rejected
    }
  }

  enum Kind: Equatable {
    case action(project: String)
    case rejected
  }

  /// `{"hole":{"from":5,"to":9},"partition":0}`: offsets that the topic lost before they were read.
  static func appendHole(_ offsets: ClosedRange<Int64>, partition: Int32, to line: inout [UInt8]) {
    appendStatement("hole", offsets, partition, to: &line)
  }

  /// `{"gap":{"from":5,"to":5},"partition":0}`: offsets that hold no record.
  static func appendGap(_ offsets: ClosedRange<Int64>, partition: Int32, to line: inout [UInt8]) {
    appendStatement("gap", offsets, partition, to: &line)
  }

  private static func appendStatement(
    _ name: String, _ offsets: ClosedRange<Int64>, _ partition: Int32, to line: inout [UInt8]
  ) {
    line +=
      "{\"\(name)\":{\"from\":\(offsets.lowerBound),\"to\":\(offsets.upperBound)},\"partition\":\(partition)}\n".utf8
  }

  private static func appendAction(
    _ record: ArchivedRecord, _ key: UnsafeRawBufferPointer, _ slash: Int, _ timeToLive: Int32?, _ event: Range<Int>,
    _ value: UnsafeRawBufferPointer, to line: inout [UInt8]
  ) {
    // Project and queue need no escapes: their characters are checked.
    line += "{\"project\":\"".utf8
    line += key[..<slash]
    line += "\",\"queue\":\"".utf8
    line += key[(slash + 1)...]
    line += "\",".utf8
    appendPosition(record, to: &line)
    if let id = record.header(named: "ce_id"), let text = String(validating: id, as: UTF8.self) {
      line += ",\"id\":".utf8
      JSONPiece.append(string: text.utf8, to: &line)
    }
    // As written in the body: a JSON string already.
    line += ",\"event\":\"".utf8
    line += value[event]
    line.append(UInt8(ascii: "\""))
    appendTime(record, to: &line)
    if let timeToLive { line += ",\"ttl\":\(timeToLive)".utf8 }
    appendHeaders(record.headers, to: &line)
    line += ",\"body\":".utf8
    appendBody(value, to: &line)
    line += "}\n".utf8
  }

  /// The body as it came. JSON may have line breaks between its tokens, and a line of NDJSON may not: then each is
  /// written as a space (the same JSON), and the exact bytes follow in Base64. They also do when white space stands
  /// around the object: in a line nobody could tell it from the line's own.
  private static func appendBody(_ value: UnsafeRawBufferPointer, to line: inout [UInt8]) {
    let start = line.count
    line += value
    let isBare = value.first == UInt8(ascii: "{") && value.last == UInt8(ascii: "}")
    guard !isBare || value.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return }
    for index in start..<line.count where line[index] == 0x0A || line[index] == 0x0D { line[index] = 0x20 }
    line += ",\"bodyBase64\":\"".utf8
    Base64.append(value, to: &line)
    line.append(UInt8(ascii: "\""))
  }

  private static func appendRejected(_ record: ArchivedRecord, _ error: AuditActionError, to line: inout [UInt8]) {
    line += "{\"rejected\":\"\(error.code.rawValue)\",\"detail\":".utf8
    JSONPiece.append(string: error.detail.utf8, to: &line)
    line.append(UInt8(ascii: ","))
    appendPosition(record, to: &line)
    appendTime(record, to: &line)
    if let key = record.key { appendBounded("key", key, max: rejectedKeyBytesMax, to: &line) }
    appendHeaders(record.headers, to: &line)
    if let value = record.value { appendBounded("value", value, max: rejectedValueBytesMax, to: &line) }
    line += "}\n".utf8
  }

  /// `"keyBase64":…,"keyBytes":…`; where it is longer than the bound its beginning, and the SHA-256 of all.
  private static func appendBounded(
    _ name: String, _ bytes: UnsafeRawBufferPointer, max: Int, to line: inout [UInt8]
  ) {
    line += ",\"\(name)Base64\":\"".utf8
    Base64.append(UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, max)]), to: &line)
    line += "\",\"\(name)Bytes\":\(bytes.count)".utf8
    if bytes.count > max { line += ",\"\(name)SHA256\":\"\(Hex.text(SHA256.hash(data: bytes)))\"".utf8 }
  }

  private static func appendPosition(_ record: ArchivedRecord, to line: inout [UInt8]) {
    line += "\"partition\":\(record.partition),\"offset\":\(record.offset)".utf8
  }

  private static func appendTime(_ record: ArchivedRecord, to line: inout [UInt8]) {
    let kind: String
    switch record.timestamp {
    case .createTime: kind = "CreateTime"
    case .logAppendTime: kind = "LogAppendTime"
    case .unavailable: return
    }
    if let milliseconds = record.milliseconds {
      line += ",\"time\":\"".utf8
      line += ArchiveTime.utf8(milliseconds)
      line.append(UInt8(ascii: "\""))
    } else if let milliseconds = record.timestamp.milliseconds {
      // A year that four digits cannot say.
      line += ",\"timestampMilliseconds\":\(milliseconds)".utf8
    }
    line += ",\"timeType\":\"\(kind)\"".utf8
  }

  /// `"headers":{"name":value}`: a text; null; `{"base64":"…"}` where it is no UTF-8; an array where a name repeats.
  private static func appendHeaders(_ headers: [KafkaHeader], to line: inout [UInt8]) {
    line += ",\"headers\":{".utf8
    for (index, header) in byName(headers).enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      JSONPiece.append(string: header.name.utf8, to: &line)
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

  private static func append(headerValue: [UInt8]?, to line: inout [UInt8]) {
    guard let bytes = headerValue else {
      line += "null".utf8
      return
    }
    if let text = String(validating: bytes, as: UTF8.self) {
      JSONPiece.append(string: text.utf8, to: &line)
    } else {
      line += "{\"base64\":\"".utf8
      bytes.withUnsafeBytes { Base64.append($0, to: &line) }
      line += "\"}".utf8
    }
  }
}
