import ArgumentParser
import Kafka
import Logging

/// `strandline topic …`
struct TopicCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topic", abstract: "Care for the topic.", subcommands: [TopicCreateCommand.self])
}

/// `strandline topic create`
struct TopicCreateCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Create the topic, its dead-letter topic and that of queue metadata.",
    discussion: """
        strandline topic create --bootstrap-servers kafka:9092 --partitions 12 --replication-factor 3

      cleanup.policy=delete, message.timestamp.type=LogAppendTime, retention above the longest TTL; the topic of queue \
      metadata is compacted. A topic that exists is left as it is and its settings are checked; then the exit code is 1 \
      when one of them is wrong.
      """)

  @OptionGroup(title: "Topic") var creation: TopicCreationFlags
  @OptionGroup(title: "Kafka") var broker: BrokerFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Kafka") var deadLetter: DeadLetterFlags
  @OptionGroup(title: "Kafka") var queuesTopic: QueuesTopicFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [creation, broker, topic, deadLetter, queuesTopic] }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func run(_ context: CommandContext) async throws {
    let settings = context.settings
    let kafka = try settings.kafka()
    var logger = context.logger()
    if !settings.isGiven(SettingsTable.logLevel.definition) { logger.logLevel = .critical }
    let admin: KafkaAdmin
    do throws(KafkaError) { admin = try KafkaAdmin(configuration: kafka, logger: logger) } catch {
      throw CommandFailure(.configuration, error.description)
    }
    let outcome: Result<[Finding], CommandFailure>
    do throws(CommandFailure) { outcome = .success(try await create(settings, admin, kafka)) } catch {
      outcome = .failure(error)
    }
    await admin.close()
    let findings = try outcome.get()
    try Finding.write(findings, asJSON: context.json, context.colour)
    if findings.contains(where: { $0.level == .fail }) { throw CommandFailure(.failure, "") }
  }

  /// How long each answer is waited for. A cluster answers within a second; a broker without the Admin API never does.
  private static let timeout: Duration = .seconds(10)

  private func create(
    _ settings: Settings, _ admin: KafkaAdmin, _ kafka: KafkaConfiguration
  ) async throws(CommandFailure) -> [Finding] {
    let topic = settings[SettingsTable.topic] ?? "audit.actions"
    let queues = settings[SettingsTable.queuesTopic] ?? "audit.queues"
    let deadLetters = settings[SettingsTable.deadLetterTopic] ?? topic + ".dlq"
    var isReached = false
    do throws(KafkaError) {
      let existing = try await Patience.run("waiting for Kafka at \(kafka.bootstrapServers)") {
        () async throws(KafkaError) in try await admin.metadata(timeout: Self.timeout).topics
      }
      isReached = true
      var findings: [Finding] = []
      for (name, role) in [(topic, TopicCheck.Role.actions), (deadLetters, .deadLetters), (queues, .queues)] {
        if let found = existing.first(where: { $0.name == name }) {
          findings += try await Patience.run("waiting for the settings of the topic \(name)") {
            () async throws(KafkaError) in try await check(found, role, settings, admin)
          }
        } else {
          findings.append(
            try await Patience.run("waiting for the cluster's controller to create the topic \(name)") {
              () async throws(KafkaError) in try await create(name, role, settings, admin)
            })
        }
      }
      return findings
    } catch  where isReached && error.code == KafkaError.Code.timedOut {
      throw CommandFailure(
        .unavailable,
        "Kafka at \(kafka.bootstrapServers) is there, and did not answer an admin request within 10 s. Either the cluster "
          + "has no controller now, or this broker takes no admin requests: the embedded one of 'strandline dev' does "
          + "not, and has its topics already")
    } catch {
      let hint = error.hint.map { "; \($0)" } ?? ""
      throw CommandFailure(.unavailable, "Kafka at \(kafka.bootstrapServers): \(error.name): \(error.message)\(hint)")
    }
  }

  private func create(
    _ name: String, _ role: TopicCheck.Role, _ settings: Settings, _ admin: KafkaAdmin
  ) async throws(KafkaError) -> Finding {
    // Few records come here, and nobody needs them spread.
    let partitions = role == .actions ? settings[SettingsTable.partitions] ?? 12 : 1
    let copies = settings[SettingsTable.replicationFactor]
    let wanted = TopicCheck.wanted(
      role, retentionHours: settings[SettingsTable.retentionHours] ?? 504, replicationFactor: copies)
    do throws(KafkaError) {
      try await admin.createTopic(
        name, partitions: Int32(clamping: partitions), replicationFactor: copies.map { Int32(clamping: $0) },
        configuration: wanted, timeout: Self.timeout)
    } catch  where error.code == KafkaError.Code.topicAlreadyExists {
      return .ok("topic \(name)", "exists: another process was faster; run the command again to check its settings")
    }
    let listed = wanted.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
    return .ok("topic \(name)", "created with \(partitions) partition\(partitions == 1 ? "" : "s"), \(listed)")
  }

  private func check(
    _ topic: ClusterMetadata.Topic, _ role: TopicCheck.Role, _ settings: Settings, _ admin: KafkaAdmin
  ) async throws(KafkaError) -> [Finding] {
    let check = TopicCheck(
      name: topic.name, role: role, defaultTimeToLiveSeconds: settings[SettingsTable.defaultTTL] ?? 300)
    let entries = try await admin.describeConfiguration(topic: topic.name, timeout: Self.timeout)
    return [.ok("topic \(topic.name)", "exists and is left as it is")] + check.findings(topic, .success(entries))
  }
}
