import Kafka
import Logging

/// Asks for a topic before anything is sent to it, so that the answer to "no broker" comes at once and is clear.
struct TopicReach {
  let kafka: KafkaConfiguration
  let logger: Logger

  /// librdkafka's message without its remarks in brackets.
  private static func brief(_ error: KafkaError) -> String {
    error.message.firstRange(of: " (after").map { String(error.message[..<$0.lowerBound]) } ?? error.message
  }

  /// The same when Kafka may be away: only what a broker has answered is an error.
  /// - Throws: `CommandFailure` that says what to do.
  func requireIfReached(_ topic: String, timeout: Duration) async throws(CommandFailure) {
    try await reach(topic, timeout: timeout, mayBeAway: true)
  }

  /// - Throws: `CommandFailure` that says what to do.
  func require(_ topic: String, timeout: Duration) async throws(CommandFailure) {
    try await reach(topic, timeout: timeout, mayBeAway: false)
  }

  private func reach(_ topic: String, timeout: Duration, mayBeAway: Bool) async throws(CommandFailure) {
    let consumer: KafkaConsumer
    do throws(KafkaError) { consumer = try KafkaConsumer(configuration: kafka, logger: logger) } catch {
      throw CommandFailure(.configuration, error.description)
    }
    // A consumer does not bring a topic into being by asking for it, as a producer may.
    let result: Result<[Int32], KafkaError>
    do throws(KafkaError) {
      result = .success(
        try await Patience.run("waiting for Kafka at \(kafka.bootstrapServers)") { () async throws(KafkaError) in
          try await runOnOwnThread(name: "topic-reach") { () throws(KafkaError) in
            try Self.partitions(of: topic, consumer, timeout: timeout)
          }
        })
    } catch {
      result = .failure(error)
    }
    let cause = consumer.lastError
    await consumer.close()
    guard case .failure(let error) = result, !mayBeAway || Self.isAnswer(error) else { return }
    throw Self.failure(error, cause: cause, topic: topic, brokers: kafka.bootstrapServers)
  }

  private static func isAnswer(_ error: KafkaError) -> Bool {
    [
      KafkaError.Code.unknownTopicOrPartition, KafkaError.Code.unknownTopic, KafkaError.Code.invalidTopic,
      KafkaError.Code.topicAuthorizationFailed,
    ].contains(error.code)
  }

  /// Asks again and again until the time has passed; sooner when nobody listens at any of the addresses. Blocks.
  private static func partitions(
    of topic: String, _ consumer: KafkaConsumer, timeout: Duration
  ) throws(KafkaError) -> [Int32] {
    let start = ContinuousClock.now
    while true {
      do throws(KafkaError) {
        return try consumer.partitions(of: topic, timeout: min(timeout, .seconds(2)))
      } catch {
        let isUnreachable = [KafkaError.Code.transport, KafkaError.Code.timedOut].contains(error.code)
        let allDown = consumer.lastError?.code == KafkaError.Code.allBrokersDown
        if !isUnreachable || allDown || ContinuousClock.now - start >= timeout { throw error }
      }
    }
  }

  static func failure(_ error: KafkaError, cause: KafkaError?, topic: String, brokers: String) -> CommandFailure {
    switch error.code {
    case KafkaError.Code.unknownTopicOrPartition, KafkaError.Code.unknownTopic:
      CommandFailure(
        .unavailable,
        "there is no topic '\(topic)' at \(brokers); create it with: strandline topic create --bootstrap-servers \(brokers) --topic \(topic)"
      )
    case KafkaError.Code.topicAuthorizationFailed:
      CommandFailure(.unavailable, "the brokers at \(brokers) do not let this user use the topic '\(topic)'")
    default:
      CommandFailure(
        .unavailable,
        "Kafka at \(brokers) cannot be reached (\(Self.brief(cause ?? error))). Check --bootstrap-servers; 'strandline doctor' tells more."
      )
    }
  }
}
