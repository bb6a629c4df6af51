#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A moment in whole seconds since 1970 (UTC), in the text forms that object stores use.
struct WallTime: Hashable, Sendable, Comparable {
  var seconds: Int64

  static func < (left: WallTime, right: WallTime) -> Bool { left.seconds < right.seconds }

  static func now() -> WallTime { WallTime(seconds: Int64(time(nil))) }

  func adding(seconds more: Int64) -> WallTime {
    let (sum, overflow) = seconds.addingReportingOverflow(more)
    return WallTime(seconds: overflow ? (more > 0 ? Int64.max : Int64.min) : sum)
  }

  /// `20261121T044400Z`, as signatures have it.
  var basicText: String {
    let (date, time) = parts
    return Self.digits(date.year, 4) + Self.digits(date.month, 2) + Self.digits(date.day, 2) + "T"
      + Self.digits(time.hour, 2) + Self.digits(time.minute, 2) + Self.digits(time.second, 2) + "Z"
  }

  /// `2026-11-21T04:44:00Z`, as S3's object lock has it.
  var extendedText: String {
    let (date, time) = parts
    return "\(Self.digits(date.year, 4))-\(Self.digits(date.month, 2))-\(Self.digits(date.day, 2))T"
      + "\(Self.digits(time.hour, 2)):\(Self.digits(time.minute, 2)):\(Self.digits(time.second, 2))Z"
  }

  /// `Sat, 21 Nov 2026 04:44:00 GMT` (RFC 9110, 5.6.7); nil for anything else, the obsolete forms included.
  init?(httpDate text: some StringProtocol) {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", words[0].hasSuffix(","),
      let day = Self.number(words[1], 2), let month = Self.months.firstIndex(of: String(words[2])),
      let year = Self.number(words[3], 4), let time = Self.secondOfDay(words[4])
    else { return nil }
    self.init(year: year, month: Int64(month) + 1, day: day, secondOfDay: time)
  }

  /// RFC 3339 as Keystone, Swift and the AWS metadata services write it: `2026-11-21T04:44:00Z`, the same with a
  /// fraction, which is dropped, or without any zone, which means UTC here. Nil for anything else.
  init?(extended text: some StringProtocol) {
    let halves = text.split(separator: "T")
    guard halves.count == 2 else { return nil }
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    var clock = halves[1][...]
    if clock.hasSuffix("Z") { clock = clock.dropLast() } else if clock.hasSuffix("+00:00") { clock = clock.dropLast(6) }
    if let dot = clock.firstIndex(of: ".") {
      guard clock[dot...].dropFirst().utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
      clock = clock[..<dot]
    }
    guard date.count == 3, let year = Self.number(date[0], 4), let month = Self.number(date[1], 2),
      let day = Self.number(date[2], 2), let time = Self.secondOfDay(clock)
    else { return nil }
    self.init(year: year, month: month, day: day, secondOfDay: time)
  }

  init(seconds: Int64) { self.seconds = seconds }

  private init?(year: Int64, month: Int64, day: Int64, secondOfDay: Int64) {
    guard (1...12).contains(month), (1...31).contains(day) else { return nil }
    // Days of the proleptic Gregorian calendar, in eras of 400 years that begin on 1 March.
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    seconds = (era * 146_097 + dayOfEra - 719_468) * 86_400 + secondOfDay
  }

  private var parts: (date: (year: Int64, month: Int64, day: Int64), time: (hour: Int64, minute: Int64, second: Int64))
  {
    // Years 0000 to 9999 have these text forms; what lies outside is brought to their ends.
    let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    days += 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return ((year, month, day), (rest / 3_600, rest / 60 % 60, rest % 60))
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private static func secondOfDay(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let hour = number(parts[0], 2), let minute = number(parts[1], 2),
      let second = number(parts[2], 2), hour < 24, minute < 60, second < 61
    else { return nil }
    return hour * 3_600 + minute * 60 + second
  }

  private static func number(_ text: some StringProtocol, _ count: Int) -> Int64? {
    guard text.utf8.count == count, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int64(text)
  }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}

/// Time as the stores see it, so that tests can move it.
struct StoreClock: Sendable {
  var now: @Sendable () -> WallTime = { WallTime.now() }
  /// For the waits between tries.
  var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
}
