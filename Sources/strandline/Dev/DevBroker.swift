import Kafka
import Logging

/// The embedded broker of `dev`, with its topics.
struct DevBroker: Sendable {
  static let partitions: Int32 = 4
  /// Offsets that are skipped at most to go on after an earlier run.
  static let skippedOffsetsMax: Int64 = 20_000_000
  private static let fillersPerBatch = 10_000

  let broker: EmbeddedBroker
  private let topic: String
  private let logger: Logger

  var configuration: KafkaConfiguration { broker.configuration }

  init(topic: String, deadLetterTopic: String, queuesTopic: String, logger: Logger) throws(CommandFailure) {
    self.topic = topic
    self.logger = logger
    do throws(KafkaError) {
      broker = try EmbeddedBroker(logger: logger.named("broker"))
      try broker.createTopic(topic, partitions: Self.partitions)
      try broker.createTopic(queuesTopic, partitions: 1)
      if deadLetterTopic != topic { try broker.createTopic(deadLetterTopic, partitions: 1) }
    } catch {
      throw CommandFailure(.failure, "the embedded broker cannot be started: \(error)")
    }
  }

  func close() async { await broker.close() }

  /// Lets the topic go on at the offsets where the store of an earlier run stands.
  ///
  /// The embedded broker forgets everything when its process ends, and would count from 0 again; the store would take
  /// new actions for ones it has already. Empty records take the places of those that are gone. Nobody reads them: the
  /// store goes on behind them.
  func continueAfter(_ nextOffsets: [Int32: Int64]) async throws {
    let ends = nextOffsets.filter { $0.value > 0 }
    guard !ends.isEmpty else { return }
    guard ends.keys.allSatisfy({ (0..<Self.partitions).contains($0) }),
      ends.values.allSatisfy({ $0 <= Self.skippedOffsetsMax })
    else {
      throw CommandFailure(
        .input,
        "the data directory is not one of 'dev', or too much went through it; name another or an empty one (--data)")
    }
    let producer = try KafkaProducer(configuration: configuration, logger: logger)
    for (partition, end) in ends {
      var written: Int64 = 0
      while written < end {
        let count = min(Int64(Self.fillersPerBatch), end - written)
        let filler = ProducerRecord(topic: topic, partition: partition, key: nil, value: nil)
        for result in await producer.sendAcknowledged(Array(repeating: filler, count: Int(count))) {
          _ = try result.get()
        }
        written += count
      }
    }
    _ = await producer.close(flushTimeout: .seconds(5))
  }
}
