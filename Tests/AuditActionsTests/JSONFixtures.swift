import AuditActions

/// Runs the scanner over bytes in a buffer of exactly their size, so that reading past the end shows under a sanitizer.
func scanRoot(_ bytes: [UInt8], depthMax: Int = ActionLimits.depthMax) -> Result<JSONSlice, AuditActionError> {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { buffer.deallocate() }
  buffer.copyBytes(from: bytes)
  do {
    return .success(try JSONScanner(UnsafeRawBufferPointer(buffer)).root(depthMax: depthMax))
  } catch {
    return .failure(error)
  }
}

func isJSON(_ bytes: [UInt8]) -> Bool {
  if case .success = scanRoot(bytes) { true } else { false }
}

func validateBody(_ bytes: [UInt8]) -> Result<ActionBody, AuditActionError> {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { buffer.deallocate() }
  buffer.copyBytes(from: bytes)
  do {
    return .success(try ActionBody.validate(UnsafeRawBufferPointer(buffer)))
  } catch {
    return .failure(error)
  }
}

func code<Success>(of result: Result<Success, AuditActionError>) -> AuditActionError.Code? {
  if case .failure(let error) = result { error.code } else { nil }
}

/// Random JSON documents, out of every construct the grammar has.
struct JSONGenerator {
  var random: SeededRandom

  mutating func document() -> [UInt8] {
    var bytes: [UInt8] = []
    appendSpace(to: &bytes)
    appendValue(levels: 6, to: &bytes)
    appendSpace(to: &bytes)
    return bytes
  }

  mutating func body() -> [UInt8] {
    var bytes = [UInt8](#"{"event":"E\#(Int.random(in: 0..<100, using: &random))","details":{"a":"#.utf8)
    appendValue(levels: 6, to: &bytes)
    bytes += Array("}}".utf8)
    return bytes
  }

  private mutating func appendValue(levels: Int, to bytes: inout [UInt8]) {
    switch Int.random(in: 0..<(levels > 0 ? 9 : 6), using: &random) {
    case 0: bytes += Array(["true", "false", "null"][Int.random(in: 0..<3, using: &random)].utf8)
    case 1, 2: appendNumber(to: &bytes)
    case 3, 4, 5: appendString(to: &bytes)
    case 6: appendItems(0x5B, 0x5D, levels: levels, to: &bytes)
    default: appendItems(0x7B, 0x7D, levels: levels, to: &bytes)
    }
  }

  private mutating func appendItems(_ open: UInt8, _ close: UInt8, levels: Int, to bytes: inout [UInt8]) {
    bytes.append(open)
    appendSpace(to: &bytes)
    for index in 0..<Int.random(in: 0..<5, using: &random) {
      if index > 0 { bytes.append(0x2C) }
      appendSpace(to: &bytes)
      if open == 0x7B {
        // Foundation drops all but one of equal names; the place makes each of ours different.
        bytes += Array("\"\(index)".utf8)
        appendStringBody(to: &bytes)
        bytes.append(0x22)
        appendSpace(to: &bytes)
        bytes.append(0x3A)
        appendSpace(to: &bytes)
      }
      appendValue(levels: levels - 1, to: &bytes)
      appendSpace(to: &bytes)
    }
    bytes.append(close)
  }

  private mutating func appendNumber(to bytes: inout [UInt8]) {
    if Bool.random(using: &random) { bytes.append(0x2D) }
    bytes += Array(String(Int.random(in: 0..<(Bool.random(using: &random) ? 10 : 1_000_000), using: &random)).utf8)
    if Int.random(in: 0..<3, using: &random) == 0 {
      bytes += Array(".\(Int.random(in: 0..<1_000, using: &random))".utf8)
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      bytes += Array(["e5", "E+5", "e-5", "E0", "e00"][Int.random(in: 0..<5, using: &random)].utf8)
    }
  }

  private mutating func appendString(to bytes: inout [UInt8]) {
    bytes.append(0x22)
    appendStringBody(to: &bytes)
    bytes.append(0x22)
  }

  private mutating func appendStringBody(to bytes: inout [UInt8]) {
    let pieces = [
      "a", "plain text of some length", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u0041"#, #"\ud83d\ude00"#, #"\u00e9"#, "é",
      "žluťoučký", "漢字", "😀", "\u{7F}", "\u{10FFFF}", "\u{800}", "12345678", " ",
    ]
    for _ in 0..<Int.random(in: 0..<6, using: &random) {
      bytes += Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8)
    }
  }

  private mutating func appendSpace(to bytes: inout [UInt8]) {
    while Int.random(in: 0..<4, using: &random) == 0 {
      bytes.append([0x20, 0x09, 0x0A, 0x0D][Int.random(in: 0..<4, using: &random)])
    }
  }
}
