import Crdkafka
import Logging
import Metrics
import Synchronization

/// What a client's events thread does with each kind of event.
final class ClientEvents: Sendable {
  let logger: Logger
  private let log: LogRelay
  private let deliveries: @Sendable (_ event: OpaquePointer) -> Void
  private let metrics: ClientMetrics
  private let state = Mutex(State())

  private struct State {
    var fatal: KafkaError?
    var last: KafkaError?
    var statistics: KafkaStatistics?
  }

  init(logger: Logger, metrics: ClientMetrics, deliveries: @escaping @Sendable (OpaquePointer) -> Void = { _ in }) {
    self.logger = logger
    self.metrics = metrics
    self.deliveries = deliveries
    log = LogRelay(logger: logger)
  }

  /// The error after which the client is of no use any more.
  var fatalError: KafkaError? { state.withLock { $0.fatal } }
  /// The latest error that the client reported by itself, such as `_ALL_BROKERS_DOWN`. It stays until another comes.
  var lastError: KafkaError? { state.withLock { $0.last } }
  /// The latest statistics; nil before the first interval has passed.
  var statistics: KafkaStatistics? { state.withLock { $0.statistics } }

  func serve(_ event: OpaquePointer, of client: OpaquePointer) {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: deliveries(event)
    case RD_KAFKA_EVENT_LOG: serveLog(event)
    case RD_KAFKA_EVENT_ERROR: serveError(event, of: client)
    case RD_KAFKA_EVENT_STATS: serveStatistics(event)
    default: break
    }
  }

  private func serveLog(_ event: OpaquePointer) {
    var facility: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    var level: Int32 = 0
    guard rd_kafka_event_log(event, &facility, &text, &level) == 0 else { return }
    log.relay(
      level: LogRelay.level(ofSyslog: level), facility: facility.map { String(cString: $0) } ?? "",
      text: text.map { String(cString: $0) } ?? "")
  }

  private func serveError(_ event: OpaquePointer, of client: OpaquePointer) {
    let error: KafkaError
    if rd_kafka_event_error_is_fatal(event) != 0 || rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL {
      error = Self.fatalCause(of: client) ?? KafkaError(RD_KAFKA_RESP_ERR__FATAL)
    } else {
      error = KafkaError(
        rd_kafka_event_error(event), message: rd_kafka_event_error_string(event).map { String(cString: $0) })
    }
    metrics.countError(error)
    // librdkafka has logged connections that fail already, each with its broker's name.
    let isLogged = error.code == KafkaError.Code.transport || error.code == KafkaError.Code.resolve
    log.relay(
      level: error.isFatal ? .error : isLogged ? .debug : .warning, facility: error.name, text: error.description)
    state.withLock {
      $0.last = error
      if error.isFatal, $0.fatal == nil { $0.fatal = error }
    }
  }

  private func serveStatistics(_ event: OpaquePointer) {
    guard let text = rd_kafka_event_stats(event) else { return }
    guard let statistics = KafkaStatistics(json: text) else {
      log.relay(level: .warning, facility: "STATS", text: "librdkafka's statistics could not be read")
      return
    }
    metrics.record(statistics)
    state.withLock { $0.statistics = statistics }
  }

  /// The fatal error of a client with the code and the reason of its cause; nil when there is none.
  static func fatalCause(of client: OpaquePointer) -> KafkaError? {
    let capacity = 512
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer -> KafkaError? in
      buffer.initialize(repeating: 0)
      let code = rd_kafka_fatal_error(client, buffer.baseAddress, capacity)
      guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
      return KafkaError(
        code: code.rawValue, message: buffer.baseAddress.map { String(cString: $0) }, isFatal: true)
    }
  }
}
