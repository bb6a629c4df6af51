import Foundation
import Kafka
import Logging
import Testing

/// The cluster named in KAFKA_BOOTSTRAP_SERVERS. A test that needs it fails without it: it never skips.
struct RealCluster {
  let configuration: KafkaConfiguration
  let admin: KafkaAdmin

  static var logger: Logger {
    var logger = Logger(label: "integration")
    logger.logLevel = .critical
    return logger
  }

  init() throws {
    let servers = try #require(
      ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP_SERVERS"],
      "set KAFKA_BOOTSTRAP_SERVERS, or use `make test`, which starts a broker")
    configuration = KafkaConfiguration(bootstrapServers: servers)
    admin = try KafkaAdmin(configuration: configuration, logger: Self.logger)
  }

  /// Runs `body` with a topic of its own and its dead-letter topic, removed afterwards.
  func withTopic<R: Sendable>(
    partitions: Int32, configuration: [String: String] = [:], _ body: @Sendable (String) async throws -> R
  ) async throws -> R {
    let topic = "strandline-test-\(UUID().uuidString.lowercased())"
    let names = [topic, topic + ".dlq"]
    for name in names {
      try await admin.createTopic(name, partitions: partitions, replicationFactor: 1, configuration: configuration)
    }
    do {
      let result = try await body(topic)
      try await admin.deleteTopics(names)
      await admin.close()
      return result
    } catch {
      try? await admin.deleteTopics(names)
      await admin.close()
      throw error
    }
  }
}

/// Waits until `condition` holds; fails the test after two minutes, which no machine is too slow for.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "waited in vain: \(what)")
    try await Task.sleep(for: .milliseconds(20))
  }
}
