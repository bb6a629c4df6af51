extension Duration {
  /// The duration held within 0 and a day, so that adding it to a point in time cannot overflow.
  var bounded: Duration {
    min(max(self, .zero), .seconds(86_400))
  }

  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  /// The duration in whole milliseconds for a C call: rounded up, at least 0, at most `limit`.
  ///
  /// The limit keeps a wait of librdkafka bounded (-1 would mean "for ever").
  func cMilliseconds(atMost limit: Int32 = 3_600_000) -> Int32 {
    let (whole, fraction) = components
    guard whole >= 0, fraction >= 0 else { return 0 }
    guard whole < Int64(limit) / 1000 else { return limit }
    let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
    let rest = (fraction + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
    return Int32(clamping: min(Int64(limit), whole * 1000 + rest))
  }
}
