/// Whether two values are the same to RFC 6902 (section 4.6): strings by their characters, numbers by their value,
/// objects whatever the order of their members.
extension JSONTree {
  package func isSame(as other: JSONTree) -> Bool {
    switch (self, other) {
    case (.object(let mine), .object(let others)):
      guard mine.count == others.count else { return false }
      let byName = Dictionary(others.map { (Array($0.name.utf8), $0.value) }) { first, _ in first }
      return mine.allSatisfy { member in byName[Array(member.name.utf8)].map { member.value.isSame(as: $0) } ?? false }
    case (.array(let mine), .array(let others)):
      return mine.count == others.count && zip(mine, others).allSatisfy { $0.isSame(as: $1) }
    case (.scalar(let kind, let mine), .scalar(let otherKind, let others)):
      guard kind == otherKind else { return false }
      if mine == others { return true }
      switch kind {
      case .string: return string?.utf8.elementsEqual(other.string?.utf8 ?? "".utf8) ?? false
      case .number:
        guard let mine = DecimalValue(mine), let others = DecimalValue(others) else { return false }
        return mine == others
      default: return false
      }
    default: return false
    }
  }
}

/// A number's value, whatever way it is written: 1, 1.0 and 10e-1 are one. Exact; nothing is rounded.
private struct DecimalValue: Equatable {
  var isNegative = false
  /// Without zeros at either end; empty for zero.
  var digits: [UInt8] = []
  /// Of ten, behind the last digit.
  var exponent = 0

  /// Nil when the exponent is beyond 64 bits.
  init?(_ text: [UInt8]) {
    var rest = text[...]
    if rest.first == 0x2D {
      isNegative = true
      rest = rest.dropFirst()
    }
    let mantissa = rest.prefix { $0 | 0x20 != 0x65 }
    var power = rest.dropFirst(mantissa.count + 1)
    if power.first == 0x2B { power = power.dropFirst() }
    if !power.isEmpty {
      guard let value = Array(power).withUnsafeBytes({ DecimalText.integer($0) }) else { return nil }
      exponent = Int(value)
    }
    let whole = mantissa.prefix { $0 != 0x2E }
    let fraction = mantissa.dropFirst(whole.count + 1)
    let (moved, overflow) = exponent.subtractingReportingOverflow(fraction.count)
    guard !overflow else { return nil }
    exponent = moved
    digits = Array((whole + fraction).drop { $0 == 0x30 })
    while digits.last == 0x30 {
      digits.removeLast()
      let (raised, overflow) = exponent.addingReportingOverflow(1)
      guard !overflow else { return nil }
      exponent = raised
    }
    if digits.isEmpty {
      exponent = 0
      isNegative = false
    }
  }
}
