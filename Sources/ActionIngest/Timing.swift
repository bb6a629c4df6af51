import Logging

/// Something that is done again and again, with a pause between.
struct Interval {
  private let pause: Duration
  private var due: ContinuousClock.Instant

  /// Due at once.
  init(milliseconds: Int) {
    pause = .milliseconds(milliseconds)
    due = .now
  }

  var isDue: Bool { .now >= due }
  mutating func restart() { due = .now + pause }
  mutating func expire(after milliseconds: Int = 0) { due = min(due, .now + .milliseconds(milliseconds)) }
}

/// Logs a fault that repeats at most once in ten seconds, with how often it was left out.
struct FaultLog {
  private let logger: Logger
  private var last: [String: (time: ContinuousClock.Instant, omitted: Int)] = [:]

  init(logger: Logger) { self.logger = logger }

  mutating func report(
    _ fault: String, _ message: Logger.Message, metadata: Logger.Metadata, level: Logger.Level = .warning
  ) {
    if let (time, omitted) = last[fault], ContinuousClock.now - time < .seconds(10) {
      last[fault] = (time, omitted + 1)
      return
    }
    var metadata = metadata
    if let omitted = last[fault]?.omitted, omitted > 0 { metadata["omitted"] = "\(omitted)" }
    last[fault] = (.now, 0)
    logger.log(level: level, message, metadata: metadata)
  }
}
