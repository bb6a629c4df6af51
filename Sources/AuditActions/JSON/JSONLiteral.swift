/// A JSON value written in Swift: `["message_id": "50b68a50", "attempts": 3, "labels": ["a", "b"]]`.
///
/// For details built in code. Details that exist as JSON already go in as ``JSONText``, byte for byte.
public enum JSONLiteral: Sendable, Hashable {
  case null
  case boolean(Bool)
  case integer(Int)
  /// A floating-point number. JSON has no infinities and no NaN: these are written as `null`.
  case number(Double)
  case string(String)
  case array([JSONLiteral])
  /// An object; members keep their order.
  case object([Member])

  public struct Member: Sendable, Hashable {
    public let name: String
    public let value: JSONLiteral

    public init(_ name: String, _ value: JSONLiteral) {
      self.name = name
      self.value = value
    }
  }
}

extension JSONLiteral: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONLiteral...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONLiteral)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}
