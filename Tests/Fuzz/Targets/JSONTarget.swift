import AuditActions

/// The validator of bodies beside a parser of another make.
final class JSONTarget: FuzzTarget {
  static let name = "json"
  static let share = 250_000_000

  private let mutation = Mutation(Samples.jsonWords, raw: Samples.brokenText)

  init(seed: UInt64) {}

  func run(_ random: inout SeededRandom) throws {
    let document =
      random.oneIn(4)
      ? Self.random(&random)
      : mutation.apply(to: random.pick(Samples.bodies), with: random.pick(Samples.bodies), &random)
    try Self.compare(document)
  }

  static func compare(_ document: [UInt8]) throws {
    let naive = NaiveJSON.parse(document, depthMax: ActionLimits.depthMax)
    let (isJSON, body) = exactly(document) { bytes in
      ((try? JSONScanner(bytes).root()) != nil, try? ActionBody.validate(bytes))
    }
    guard isJSON == (naive != nil) else {
      throw Finding("the scanner says \(isJSON), the naive parser \(naive != nil)", document)
    }
    let event = document.count <= ActionLimits.bodyBytesMax ? naive?.event : nil
    let found = body.map { body in document.withUnsafeBytes { body.eventText(in: $0) } }
    guard found == event else {
      throw Finding(
        "the event is \(found ?? "none") to the validator, \(event ?? "none") to the naive parser", document)
    }
    if let body, let event, document.withUnsafeBytes({ body.eventHash(in: $0) }) != eventHash(event) {
      throw Finding("the hash of the event as written is not that of its text", document)
    }
  }

  /// A document made by the grammar, now and then with a fault in it.
  private static func random(_ random: inout SeededRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    if random.oneIn(2) {
      bytes += Array("{\"event\":\"E\",\"d\":".utf8)
      append(levels: 5, to: &bytes, &random)
      bytes.append(0x7D)
    } else {
      append(levels: 5, to: &bytes, &random)
    }
    return bytes
  }

  private static func append(levels: Int, to bytes: inout [UInt8], _ random: inout SeededRandom) {
    switch random.below(levels > 0 ? 8 : 5) {
    case 0: bytes += Array(random.pick(["true", "false", "null", "nul", "True"]).utf8)
    case 1: bytes += Array(random.pick(["0", "-0", "-1", "12.5", "1e-7", "01", "1.", "-", "1E+400", "+1"]).utf8)
    case 2, 3, 4: bytes += Array(random.pick(["\"\"", "\"a\"", "\"\\u00e9\"", "\"é\"", "\"\\x\"", "\"\u{1}\""]).utf8)
    case 5, 6:
      bytes.append(0x5B)
      for index in 0..<random.below(4) {
        if index > 0 { bytes.append(0x2C) }
        append(levels: levels - 1, to: &bytes, &random)
      }
      bytes.append(0x5D)
    default:
      bytes.append(0x7B)
      for index in 0..<random.below(4) {
        if index > 0 { bytes.append(0x2C) }
        bytes += Array(random.pick(["\"a\":", "\"event\":", "\"a\" : ", "\"b\"", "a:", "\"\":"]).utf8)
        append(levels: levels - 1, to: &bytes, &random)
      }
      bytes.append(0x7D)
    }
  }
}

/// Runs `body` on a copy in memory of exactly its size, so that reading past it shows under a sanitizer.
func exactly<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  return try body(UnsafeRawBufferPointer(copy))
}
