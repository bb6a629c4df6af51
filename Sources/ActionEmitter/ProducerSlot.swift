import Kafka
import Logging
import Synchronization

/// The emitter's producer, which gives way to a new one after a fatal error: an idempotent producer that has lost
/// track of its sequence refuses everything from then on, and a worker should not have to restart for that.
final class ProducerSlot: Sendable {
  private struct State {
    var producer: KafkaProducer
    var isReplacing = false
    var isClosed = false
  }

  private let configuration: ActionEmitterConfiguration
  private let logger: Logger
  private let state: Mutex<State>

  init(configuration: ActionEmitterConfiguration, logger: Logger) throws(KafkaError) {
    self.configuration = configuration
    self.logger = logger
    state = Mutex(State(producer: try Self.makeProducer(configuration, logger)))
  }

  var current: KafkaProducer { state.withLock { $0.producer } }

  /// Replaces the producer if it has reported a fatal error. Returns at once; the old one ends in the background,
  /// and what it still held is reported to its senders as failed.
  func replaceIfFatal() {
    let failed: KafkaProducer? = state.withLock { state in
      guard !state.isClosed, !state.isReplacing, state.producer.fatalError != nil else { return nil }
      state.isReplacing = true
      return state.producer
    }
    guard let failed else { return }
    logger.error(
      "the Kafka producer is beyond repair and is replaced",
      metadata: ["error": .string(failed.fatalError?.description ?? "unknown")])
    Task.detached { [self] in
      install(Result { () throws(KafkaError) in try Self.makeProducer(configuration, logger) })
      await failed.close(flushTimeout: .zero)
    }
  }

  /// - Returns: the number of records that were given up.
  func close(flushTimeout: Duration) async -> Int {
    let producer = state.withLock { state in
      state.isClosed = true
      return state.producer
    }
    return await producer.close(flushTimeout: flushTimeout)
  }

  private func install(_ made: Result<KafkaProducer, KafkaError>) {
    switch made {
    case .success(let producer):
      // A producer nobody was given yet holds no records: should the slot be closed by now, dropping it is enough.
      state.withLock { state in
        state.isReplacing = false
        if !state.isClosed { state.producer = producer }
      }
    case .failure(let error):
      state.withLock { $0.isReplacing = false }
      logger.error("no new Kafka producer could be made", metadata: ["error": .string(error.description)])
    }
  }

  private static func makeProducer(
    _ configuration: ActionEmitterConfiguration, _ logger: Logger
  ) throws(KafkaError) -> KafkaProducer {
    try KafkaProducer(
      configuration: configuration.producer, limits: configuration.producerLimits, logger: logger)
  }
}
