/// What became of a stream of lines.
struct EmitReport: Sendable, Equatable {
  /// Acknowledged by Kafka.
  var emitted = 0
  /// Not sent: nobody wants its event.
  var skipped = 0
  /// Not sent: the line is not what it should be.
  var refused = 0
  /// Sent or to be sent, and not acknowledged.
  var failed = 0
  var bytes = 0
  /// The spool had no room, and Kafka took nothing for the time given.
  var isSpoolFull = false

  var status: ExitStatus { failed > 0 ? .unavailable : refused > 0 ? .data : .success }

  func text(seconds: Double) -> String {
    let rate = seconds > 0 ? " (\(Self.grouped(Int(Double(emitted) / seconds)))/s)" : ""
    let unwanted = skipped > 0 ? "\(Self.grouped(skipped)) skipped, " : ""
    return "\(Self.grouped(emitted)) emitted\(rate), " + unwanted
      + "\(Self.grouped(refused)) refused, \(Self.grouped(failed)) failed"
  }

  func json(seconds: Double) -> JSONValue {
    .object([
      ("emitted", .integer(emitted)), ("skipped", .integer(skipped)), ("refused", .integer(refused)),
      ("failed", .integer(failed)),
      ("bytes", .integer(bytes)), ("seconds", .number((seconds * 1_000).rounded() / 1_000)),
    ])
  }

  /// 1234567 as 1,234,567.
  static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var result = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return result
  }
}
