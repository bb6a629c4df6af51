/// A stretch of record time that objects and manifests do not cross: an hour, unless set otherwise. Counted from
/// 1970-01-01T00:00:00Z in lengths that divide a day.
package struct PeriodLength: Sendable, Hashable {
  package static let secondsMax: Int64 = 86_400
  package static let hour = PeriodLength(uncheckedSeconds: 3_600)

  package let seconds: Int64

  /// - Throws: `invalidConfiguration` for a length that does not divide a day.
  package init(seconds: Int64) throws(ArchiveError) {
    guard seconds >= 1, seconds <= Self.secondsMax, Self.secondsMax % seconds == 0 else {
      throw ArchiveError(.invalidConfiguration, "a period has 1 to 86400 seconds and divides a day, not \(seconds)")
    }
    self.seconds = seconds
  }

  private init(uncheckedSeconds: Int64) { seconds = uncheckedSeconds }

  /// The period a time is in; nil for times before 1970 or after 9999, which no period has.
  func index(ofMilliseconds milliseconds: Int64) -> Int64? {
    guard ArchiveTime.range.contains(milliseconds) else { return nil }
    return milliseconds / (seconds * 1_000)
  }

  /// Milliseconds since 1970 at which a period begins. Indexes come from `index(ofMilliseconds:)` or are checked.
  func startMilliseconds(of index: Int64) -> Int64 {
    let (value, overflow) = index.multipliedReportingOverflow(by: seconds * 1_000)
    return overflow ? ArchiveTime.range.upperBound : min(max(value, 0), ArchiveTime.range.upperBound)
  }
}

/// Times of records, in milliseconds since 1970, and their text.
package enum ArchiveTime {
  /// 1970-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z: what four digits of a year can say.
  package static let range: ClosedRange<Int64> = 0...253_402_300_799_999

  /// `2026-11-21T04:44:00.123Z`; the time is brought within ``range``.
  package static func text(_ milliseconds: Int64) -> String { String(decoding: utf8(milliseconds), as: UTF8.self) }

  /// Bytes of every text.
  static let utf8Count = 24

  static func utf8(_ milliseconds: Int64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: utf8Count) { bytes, count in
      // An array of some capacity has memory.
      if let base = bytes.baseAddress {
        write(milliseconds, to: base)
        count = utf8Count
      }
    }
  }

  /// Writes ``utf8Count`` bytes.
  static func write(_ milliseconds: Int64, to bytes: UnsafeMutablePointer<UInt8>) {
    let milliseconds = min(max(milliseconds, range.lowerBound), range.upperBound)
    let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
    let (days, secondOfDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let (year, month, day) = date(ofDay: days)
    put(year, digits: 4, separator: UInt8(ascii: "-"), to: bytes)
    put(month, digits: 2, separator: UInt8(ascii: "-"), to: bytes + 5)
    put(day, digits: 2, separator: UInt8(ascii: "T"), to: bytes + 8)
    put(secondOfDay / 3_600, digits: 2, separator: UInt8(ascii: ":"), to: bytes + 11)
    put(secondOfDay / 60 % 60, digits: 2, separator: UInt8(ascii: ":"), to: bytes + 14)
    put(secondOfDay % 60, digits: 2, separator: UInt8(ascii: "."), to: bytes + 17)
    put(fraction, digits: 3, separator: UInt8(ascii: "Z"), to: bytes + 20)
  }

  /// Reads what ``text(_:)`` writes, and nothing else.
  static func milliseconds(_ text: String) -> Int64? {
    let utf8 = [UInt8](text.utf8)
    guard utf8.count == utf8Count else { return nil }
    func number(_ range: Range<Int>) -> Int64 { utf8[range].reduce(0) { $0 * 10 + Int64($1 &- 0x30) } }
    let day = dayNumber(number(0..<4), number(5..<7), number(8..<10))
    let seconds = number(11..<13) * 3_600 + number(14..<16) * 60 + number(17..<19)
    let value = (day * 86_400 + seconds) * 1_000 + number(20..<23)
    return range.contains(value) && self.utf8(value) == utf8 ? value : nil
  }

  /// `2026-11-21` and `04`, for paths.
  static func dateAndHour(_ milliseconds: Int64) -> (date: String, hour: String) {
    let text = text(milliseconds)
    return (String(text.prefix(10)), String(text.dropFirst(11).prefix(2)))
  }

  private static func put(
    _ value: Int64, digits: Int, separator: UInt8, to bytes: UnsafeMutablePointer<UInt8>
  ) {
    var rest = value
    for index in stride(from: digits - 1, through: 0, by: -1) {
      let (tens, digit) = rest.quotientAndRemainder(dividingBy: 10)
      bytes[index] = 0x30 + UInt8(truncatingIfNeeded: digit)
      rest = tens
    }
    bytes[digits] = separator
  }

  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"; days are not negative here.
  private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = year.quotientAndRemainder(dividingBy: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shiftedDay = day + 719_468
    let (era, dayOfEra) = shiftedDay.quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
