import Synchronization

/// Lets the same fault through at most once an interval, and says how often it was held back in between.
///
/// Messages are the same when they differ in digits only: an offset or a port makes no new fault of a broken connection.
final class RepeatGate: Sendable {
  /// Faults remembered at a time. Beyond it new ones share a single place, so that a message that is different each time
  /// can neither fill memory nor the log.
  static let faultsMax = 256

  private struct Place {
    var until: ContinuousClock.Instant
    var heldBack = 0
  }

  private let interval: Duration
  private let places = Mutex<[String: Place]>([:])

  init(interval: Duration = .seconds(1)) { self.interval = interval }

  /// The number of lines held back since the last one of its kind, or nil when this one is to be held back as well.
  func admit(_ message: String, at now: ContinuousClock.Instant) -> Int? {
    let until = now.advanced(by: interval)
    return places.withLock { places in
      var key = Self.withoutDigits(message)
      if places[key] == nil, places.count >= Self.faultsMax {
        places = places.filter { $0.value.until > now || $0.value.heldBack > 0 }
        if places.count >= Self.faultsMax { places = places.filter { $0.value.until > now } }
        if places.count >= Self.faultsMax { key = "" }
      }
      guard let place = places[key] else {
        places[key] = Place(until: until)
        return 0
      }
      guard place.until <= now else {
        places[key]?.heldBack += 1
        return nil
      }
      places[key] = Place(until: until)
      return place.heldBack
    }
  }

  static func withoutDigits(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8.prefix(400) {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      if !isDigit { result.append(byte) } else if result.last != UInt8(ascii: "#") { result.append(UInt8(ascii: "#")) }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
