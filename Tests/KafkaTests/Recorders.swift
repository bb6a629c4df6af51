import Logging
import Metrics
import Synchronization

/// What a logger was told.
final class RecordedLines: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let text: String
    let metadata: [String: String]
  }

  private let lines = Mutex<[Line]>([])
  var all: [Line] { lines.withLock { $0 } }

  func add(_ line: Line) { lines.withLock { $0.append(line) } }
}

struct RecordingLogHandler: LogHandler {
  let lines: RecordedLines
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  init(lines: RecordedLines) {
    self.lines = lines
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
    lines.add(RecordedLines.Line(level: event.level, text: "\(event.message)", metadata: metadata))
  }
}

/// The last value, or the sum, of each metric of this process.
final class RecordedMetrics: MetricsFactory, Sendable {
  static let shared: RecordedMetrics = {
    let metrics = RecordedMetrics()
    MetricsSystem.bootstrap(metrics)
    return metrics
  }()

  private let values = Mutex<[String: Double]>([:])

  private static func key(_ label: String, _ dimensions: [(String, String)]) -> String {
    dimensions.reduce(label) { "\($0) \($1.1)" }
  }

  /// The value of the metric of that name with that value among its dimensions.
  func value(_ label: String, _ dimension: String?) -> Double? {
    values.withLock { values in
      values.first { entry in
        let parts = entry.key.split(separator: " ").map { String($0) }
        return parts.first == label && (dimension.map { parts.contains($0) } ?? true)
      }?.value
    }
  }

  private final class Cell: CounterHandler, RecorderHandler, TimerHandler, Sendable {
    let metrics: RecordedMetrics
    let key: String

    init(metrics: RecordedMetrics, key: String) {
      self.metrics = metrics
      self.key = key
    }

    func increment(by amount: Int64) { metrics.values.withLock { $0[key, default: 0] += Double(amount) } }
    func reset() {}
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { metrics.values.withLock { $0[key] = value } }
    func recordNanoseconds(_ duration: Int64) {}
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Cell(metrics: self, key: Self.key(label, dimensions))
  }
  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    Cell(metrics: self, key: Self.key(label, dimensions))
  }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Cell(metrics: self, key: Self.key(label, dimensions))
  }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
