import Dispatch
import Kafka
import Logging
import Synchronization

/// Makes the topic of queue metadata, compacted.
enum TopicCreation {
  /// Blocks the calling thread, which must be one of our own. Returns why it could not.
  static func run(_ configuration: QueueMetadataConfiguration, logger: Logger) -> KafkaError? {
    let done = DispatchSemaphore(value: 0)
    let outcome = Outcome()
    Task {
      do throws(KafkaError) {
        let admin = try KafkaAdmin(configuration: configuration.kafka, logger: logger)
        do throws(KafkaError) {
          try await admin.createTopic(
            configuration.topic, partitions: QueueMetadataConfiguration.topicPartitions,
            configuration: QueueMetadataConfiguration.topicProperties, timeout: .seconds(10))
        } catch {
          outcome.failure.withLock { $0 = error }
        }
        await admin.close()
      } catch {
        outcome.failure.withLock { $0 = error }
      }
      done.signal()
    }
    done.wait()
    return outcome.failure.withLock { $0 }
  }

  private final class Outcome: Sendable {
    let failure = Mutex<KafkaError?>(nil)
  }
}
