import NIOCore

extension Problem {
  /// The problem as `application/problem+json`.
  /// - Parameter instance: the path of the request, without its query.
  func json(instance: String, requestID: String) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(384)
    buffer.writeString("{\"type\":\"\(Self.typePrefix)\(name)\",\"title\":")
    buffer.writeJSONString(title)
    buffer.writeString(",\"status\":\(status),\"detail\":")
    buffer.writeJSONString(detail)
    buffer.writeString(",\"instance\":")
    buffer.writeJSONString(String(decoding: instance.utf8.prefix(1_024), as: UTF8.self))
    if let parameter {
      buffer.writeString(",\"parameter\":")
      buffer.writeJSONString(parameter)
    }
    switch allowed {
    case .range(let minimum, let maximum):
      buffer.writeString(",\"allowed\":{\"minimum\":\(minimum),\"maximum\":\(maximum)}")
    case .values(let values):
      buffer.writeString(",\"allowed\":[")
      for (index, value) in values.enumerated() {
        if index > 0 { buffer.writeString(",") }
        buffer.writeJSONString(value)
      }
      buffer.writeString("]")
    case nil:
      break
    }
    if !items.isEmpty {
      buffer.writeString(",\"errors\":[")
      for (index, item) in items.enumerated() {
        buffer.writeString("\(index > 0 ? "," : ""){\"index\":\(item.index),\"detail\":")
        buffer.writeJSONString(item.detail)
        if let parameter = item.parameter {
          buffer.writeString(",\"parameter\":")
          buffer.writeJSONString(parameter)
        }
        buffer.writeString("}")
      }
      buffer.writeString("]")
    }
    if !gaps.isEmpty {
      buffer.writeString(",\"gaps\":")
      buffer.writeGaps(gaps, archive: archive)
    }
    if let resume {
      buffer.writeString(",\"resume\":")
      buffer.writeJSONString(resume)
    }
    buffer.writeString(",\"request_id\":")
    buffer.writeJSONString(requestID)
    buffer.writeString("}")
    return buffer
  }

  /// The problem as an answer.
  func answer(instance: Substring, requestID: String) -> FeedAnswer {
    var answer = FeedAnswer(status: status)
    if let allow { answer.add("Allow", allow) }
    if let accept { answer.add("Accept", accept) }
    if let retryAfterSeconds { answer.add("Retry-After", String(retryAfterSeconds)) }
    if let resume {
      answer.add("Link", "<" + resume + ">; rel=\"next\"")
      answer.add("Preference-Applied", "handling=strict")
    }
    if !gaps.isEmpty { answer.add(GapStatement.lostField, GapStatement.lost(gaps)) }
    answer.add("Cache-Control", "no-store")
    if closesConnection { answer.add("Connection", "close") }
    answer.setBody(
      json(instance: String(instance), requestID: requestID), contentType: "application/problem+json")
    return answer
  }
}

extension ByteBuffer {
  /// Appends a string in quotes, escaped as RFC 8259 asks.
  mutating func writeJSONString(_ text: String) {
    writeInteger(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        writeInteger(UInt8(ascii: "\\"))
        writeInteger(byte)
      case 0x00..<0x20:
        let digits = "0123456789abcdef".utf8
        writeString("\\u00")
        writeInteger(digits[digits.index(digits.startIndex, offsetBy: Int(byte >> 4))])
        writeInteger(digits[digits.index(digits.startIndex, offsetBy: Int(byte & 0x0F))])
      default:
        writeInteger(byte)
      }
    }
    writeInteger(UInt8(ascii: "\""))
  }
}
