import Logging
import Synchronization

/// librdkafka's log lines, into swift-log: of a repeating kind at most one line a second, with the number of those
/// left out since. A broker that is down would else write several lines a second for each connection.
final class LogRelay: Sendable {
  private static let interval: Duration = .seconds(1)
  /// librdkafka knows some 200 facilities; this only guards against one that would invent names.
  private static let kindsMax = 1_000

  private struct Kind {
    var lastWritten: ContinuousClock.Instant
    var leftOut: Int
  }

  private let logger: Logger
  private let kinds = Mutex<[String: Kind]>([:])

  init(logger: Logger) {
    self.logger = logger
  }

  func relay(
    level: Logger.Level, facility: String, text: String, now: ContinuousClock.Instant = ContinuousClock.now
  ) {
    guard level >= logger.logLevel else { return }
    var leftOut = 0
    // Debug output is asked for by name and wanted whole.
    if level > .debug {
      let isWritten = kinds.withLock { kinds in
        if let kind = kinds[facility], now - kind.lastWritten < Self.interval {
          kinds[facility] = Kind(lastWritten: kind.lastWritten, leftOut: kind.leftOut + 1)
          return false
        }
        if kinds.count >= Self.kindsMax { kinds = [:] }
        leftOut = kinds[facility]?.leftOut ?? 0
        kinds[facility] = Kind(lastWritten: now, leftOut: 0)
        return true
      }
      guard isWritten else { return }
    }
    var metadata: Logger.Metadata = ["facility": .string(facility)]
    if leftOut > 0 { metadata["left_out"] = .stringConvertible(leftOut) }
    logger.log(level: level, "\(text)", metadata: metadata)
  }

  /// syslog's severities (RFC 5424, 6.2.1) as swift-log's levels.
  static func level(ofSyslog level: Int32) -> Logger.Level {
    switch level {
    case ...2: .critical
    case 3: .error
    case 4: .warning
    case 5: .notice
    case 6: .info
    default: .debug
    }
  }
}
