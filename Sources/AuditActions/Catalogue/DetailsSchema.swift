/// What the details of an event type have to look like: a stated part of JSON Schema (draft 2020-12), and nothing else.
///
/// Keywords: `type` (a name, or several), `properties`, `required`, `additionalProperties`, `items` (one schema),
/// `enum` and `const` (strings, numbers, booleans and null), `minimum`, `maximum`, `minLength`, `maxLength` (in Unicode
/// scalars), `minItems`, `maxItems`; `$schema`, `title` and `description` are passed over. Any other keyword is an
/// error: a schema that is not understood is not taken for one that says nothing. A schema may also be `true` or
/// `false`.
///
/// As in JSON Schema a keyword says nothing of values of another kind: `minLength` lets every number pass.
public struct DetailsSchema: Sendable, Hashable {
  /// Deepest nesting of schemas.
  public static let depthMax = 32
  /// Most schemas in one, and most names or values in one list of it.
  public static let sizeMax = 1_000

  let root: Node

  /// - Throws: `invalid_event_type`, naming the place in the schema.
  public init(_ schema: JSONText) throws(AuditActionError) {
    root = try schema.bytes.withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      let scanner = JSONScanner(UnsafeRawBufferPointer(bytes))
      var reader = Reader(scanner: scanner)
      return try reader.node(try scanner.root(), at: "schema", depth: 1)
    }
  }
}

extension DetailsSchema {
  enum Kind: String, Sendable, CaseIterable {
    case object, array, string, number, integer, boolean, null
  }

  /// A value without parts.
  enum Scalar: Sendable, Hashable {
    case string(String)
    case number(Number)
    case boolean(Bool)
    case null
  }

  /// Exact where it is written as a whole number of 64 bits, else as near as a `Double` is.
  enum Number: Sendable, Hashable, Comparable {
    case whole(Int64)
    case other(Double)

    init?(_ text: UnsafeRawBufferPointer) {
      let text = String(decoding: text, as: UTF8.self)
      if let whole = Int64(text) {
        self = .whole(whole)
      } else if let other = Double(text) {
        // 3.0 is 3; beyond 2^53 a Double is not that exact.
        self = abs(other) < 9_007_199_254_740_992 && other.rounded() == other ? .whole(Int64(other)) : .other(other)
      } else {
        return nil
      }
    }

    var value: Double {
      switch self {
      case .whole(let value): Double(value)
      case .other(let value): value
      }
    }

    static func < (left: Number, right: Number) -> Bool {
      if case .whole(let left) = left, case .whole(let right) = right { return left < right }
      return left.value < right.value
    }
  }

  /// One schema.
  struct Node: Sendable, Hashable {
    /// The schema `false`.
    var refusesAll = false
    /// Nil: any.
    var kinds: Set<Kind>?
    var properties: [String: Node] = [:]
    var required: [String] = []
    /// None: anything; else the schema of members that `properties` does not name. A list, since a value cannot hold
    /// itself.
    var additional: [Node] = []
    var items: [Node] = []
    /// Of `enum`, and of `const`: both have to hold.
    var choices: [Set<Scalar>] = []
    var minimum: Number?
    var maximum: Number?
    var minLength = 0
    var maxLength = Int.max
    var minItems = 0
    var maxItems = Int.max
  }
}

extension JSONScanner {
  /// Nil for an object or array.
  func scalar(_ slice: JSONSlice) -> DetailsSchema.Scalar? {
    switch slice.kind {
    case .string: string(slice).map { .string($0) }
    case .number: DetailsSchema.Number(bytes(of: slice)).map { .number($0) }
    case .boolean: .boolean(bytes(of: slice).first == UInt8(ascii: "t"))
    case .null: .null
    case .object, .array: nil
    }
  }
}
