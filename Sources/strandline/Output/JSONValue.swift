/// A JSON value written by this command itself: log lines and the lines of `--json`. Members keep their order.
enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(String, JSONValue)])
  /// Text that is JSON already, for example the body of an action, and must reach the reader byte for byte.
  case raw([UInt8])

  static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  static func == (left: JSONValue, right: JSONValue) -> Bool { left.bytes == right.bytes }

  /// Compact, without a line end.
  var bytes: [UInt8] {
    var result: [UInt8] = []
    append(to: &result)
    return result
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  private func append(to result: inout [UInt8]) {
    switch self {
    case .null: result += "null".utf8
    case .bool(let value): result += (value ? "true" : "false").utf8
    case .integer(let value): result += "\(value)".utf8
    // JSON knows no infinity and no NaN.
    case .number(let value): result += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let value): Self.append(string: value, to: &result)
    case .raw(let value): result += value
    case .array(let values):
      result.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        value.append(to: &result)
      }
      result.append(UInt8(ascii: "]"))
    case .object(let members):
      result.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        Self.append(string: member.0, to: &result)
        result.append(UInt8(ascii: ":"))
        member.1.append(to: &result)
      }
      result.append(UInt8(ascii: "}"))
    }
  }

  private static func append(string: String, to result: inout [UInt8]) {
    result.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""): result += #"\""#.utf8
      case UInt8(ascii: "\\"): result += #"\\"#.utf8
      case UInt8(ascii: "\n"): result += #"\n"#.utf8
      case UInt8(ascii: "\r"): result += #"\r"#.utf8
      case UInt8(ascii: "\t"): result += #"\t"#.utf8
      case 0..<0x20, 0x7F:
        let digits = Array("0123456789abcdef".utf8)
        result += #"\u00"#.utf8
        result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: result.append(byte)
      }
    }
    result.append(UInt8(ascii: "\""))
  }
}
