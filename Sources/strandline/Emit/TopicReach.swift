import Kafka
import Logging

/// Asks for a topic before anything is sent to it, so that the answer to "no broker" comes at once and is clear.
struct TopicReach {
  let kafka: KafkaConfiguration
  let logger: Logger

  /// - Throws: `CommandFailure` that says what to do.
  func require(_ topic: String, timeout: Duration) async throws(CommandFailure) {
    let consumer: KafkaConsumer
    do throws(KafkaError) { consumer = try KafkaConsumer(configuration: kafka, logger: logger) } catch {
      throw CommandFailure(.configuration, error.description)
    }
    // A consumer does not bring a topic into being by asking for it, as a producer may.
    let result: Result<[Int32], KafkaError>
    do throws(KafkaError) {
      result = .success(
        try await runOnOwnThread(name: "topic-reach") { () throws(KafkaError) in
          try consumer.partitions(of: topic, timeout: timeout)
        })
    } catch {
      result = .failure(error)
    }
    let cause = consumer.lastError
    await consumer.close()
    guard case .failure(let error) = result else { return }
    throw Self.failure(error, cause: cause, topic: topic, brokers: kafka.bootstrapServers)
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
        "Kafka at \(brokers) cannot be reached (\((cause ?? error).message)). Check --bootstrap-servers; 'strandline doctor' tells more."
      )
    }
  }
}
