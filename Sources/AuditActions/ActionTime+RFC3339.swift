/// RFC 3339 text, always in UTC and always with nine digits of a second: `2026-11-21T04:44:00.123456789Z`, so that
/// texts sort as the times do.
extension ActionTime {
  public var rfc3339: String { withRFC3339UTF8 { String(decoding: $0, as: UTF8.self) } }

  /// The text's bytes, valid inside the call. They stand on the stack: every action that is emitted has its time written.
  package func withRFC3339UTF8<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: 30, alignment: 1) { bytes in
      let (seconds, nanoseconds) = Self.floorDivide(nanosecondsSince1970, 1_000_000_000)
      let (days, secondOfDay) = Self.floorDivide(seconds, 86_400)
      let (year, month, day) = Self.date(ofDay: days)
      Self.put(year, digits: 4, then: "-", at: 0, in: bytes)
      Self.put(month, digits: 2, then: "-", at: 5, in: bytes)
      Self.put(day, digits: 2, then: "T", at: 8, in: bytes)
      Self.put(secondOfDay / 3_600, digits: 2, then: ":", at: 11, in: bytes)
      Self.put(secondOfDay / 60 % 60, digits: 2, then: ":", at: 14, in: bytes)
      Self.put(secondOfDay % 60, digits: 2, then: ".", at: 17, in: bytes)
      Self.put(nanoseconds, digits: 9, then: "Z", at: 20, in: bytes)
      return body(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Reads RFC 3339: any fraction of 1…9 digits or none, `Z` or an offset such as `+02:00`; `T` and `Z` in either
  /// case. A leap second, `:60`, is read as the second that follows it.
  /// - Throws: `invalid_time`.
  public init(rfc3339 text: String) throws(AuditActionError) {
    guard let time = Self.parse([UInt8](text.utf8)) else {
      throw AuditActionError(
        .invalidTime, "a time is RFC 3339 with at most nine digits of a second, such as 2026-11-21T04:44:00.5Z",
        parameter: "time")
    }
    self = time
  }

  private static func parse(_ text: [UInt8]) -> ActionTime? {
    guard text.count >= 20, text.count <= 35, text[4] == 0x2D, text[7] == 0x2D, text[10] | 0x20 == 0x74,
      text[13] == 0x3A, text[16] == 0x3A,
      let year = number(text, 0..<4), let month = number(text, 5..<7), let day = number(text, 8..<10),
      let hour = number(text, 11..<13), let minute = number(text, 14..<16), let second = number(text, 17..<19),
      (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year), hour < 24, minute < 60, second <= 60
    else { return nil }
    var index = 19
    var nanoseconds: Int64 = 0
    if text[index] == 0x2E {
      let start = index + 1
      index = text[start...].firstIndex { $0 &- 0x30 >= 10 } ?? text.count
      guard index - start >= 1, index - start <= 9, let fraction = number(text, start..<index) else { return nil }
      nanoseconds = (index - start..<9).reduce(fraction) { value, _ in value * 10 }
    }
    guard let offset = offsetSeconds(text[index...]) else { return nil }
    // At most year 9999 in seconds: no overflow before the last two steps.
    let seconds = dayNumber(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, sumOverflow) = scaled.addingReportingOverflow(nanoseconds)
    return overflow || sumOverflow ? nil : ActionTime(nanosecondsSince1970: sum)
  }

  /// `Z`, `+02:00` or `-23:59`.
  private static func offsetSeconds(_ text: ArraySlice<UInt8>) -> Int64? {
    let text = [UInt8](text)
    if text.count == 1 { return text[0] | 0x20 == 0x7A ? 0 : nil }
    guard text.count == 6, text[0] == 0x2B || text[0] == 0x2D, text[3] == 0x3A,
      let hours = number(text, 1..<3), let minutes = number(text, 4..<6), hours < 24, minutes < 60
    else { return nil }
    return (hours * 3_600 + minutes * 60) * (text[0] == 0x2D ? -1 : 1)
  }

  private static func number(_ text: [UInt8], _ range: Range<Int>) -> Int64? {
    guard range.upperBound <= text.count else { return nil }
    return text.withUnsafeBytes { DecimalText.digits(UnsafeRawBufferPointer(rebasing: $0[range])) }
      .flatMap { Int64(exactly: $0) }
  }

  /// - Parameter value: none of these parts is negative, or has more than nine digits.
  @inline(__always)
  private static func put(
    _ value: Int64, digits: Int, then sign: Unicode.Scalar, at start: Int, in bytes: UnsafeMutableRawBufferPointer
  ) {
    var rest = UInt32(truncatingIfNeeded: value)
    for place in 1...digits {
      bytes[start + digits - place] = 0x30 | UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    bytes[start + digits] = UInt8(ascii: sign)
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  // The Gregorian calendar by arithmetic, counted in eras of 400 years that begin on 1 March: Howard Hinnant,
  // "chrono-Compatible Low-Level Date Algorithms".

  private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = floorDivide(year, 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(day + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func daysIn(month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
