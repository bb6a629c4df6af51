import AuditActions
import Kafka
import QueueMetadata

/// What a topic's settings should be, and what is wrong with those it has.
struct TopicCheck {
  enum Role: Sendable {
    case actions
    case deadLetters
    /// Metadata of queues: of each the latest.
    case queues
  }

  let name: String
  let role: Role
  let defaultTimeToLiveSeconds: Int

  static let longestTimeToLiveSeconds = Int64(ActionLimits.timeToLiveSecondsMax)
  /// The largest body with key and headers, as the broker counts it.
  static let recordBytesMax: Int64 = 300_000

  /// The settings of a topic that `topic create` makes.
  /// - Parameter replicationFactor: nil when it is left to the cluster
  static func wanted(_ role: Role, retentionHours: Int, replicationFactor: Int?) -> [String: String] {
    var settings =
      role == .queues
      ? QueueMetadataConfiguration.topicProperties
      : [
        "cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime",
        "retention.ms": String(Int64(retentionHours) * 3_600_000),
      ]
    // With two copies a single broker's restart would stop all writing.
    if let replicationFactor, replicationFactor >= 3 { settings["min.insync.replicas"] = "2" }
    return settings
  }

  private var subject: String { "topic \(name)" }

  func findings(_ topic: ClusterMetadata.Topic, _ entries: Result<[ConfigurationEntry], KafkaError>) -> [Finding] {
    let partitions = partitionFindings(topic)
    let known: [ConfigurationEntry]
    do throws(KafkaError) { known = try entries.get() } catch {
      return partitions + [Self.unknownSettings(subject, error)]
    }
    let values = Dictionary(
      known.compactMap { entry in entry.value.map { (entry.name, $0) } }, uniquingKeysWith: { $1 })
    return partitions + settingFindings(values, copies: topic.partitions.map(\.replicas.count).min() ?? 0)
  }

  private static func unknownSettings(_ subject: String, _ error: KafkaError) -> Finding {
    if error.code == KafkaError.Code.timedOut {
      return .warn(
        subject, "its settings are not known: the broker answers no DescribeConfigs",
        mend: "no harm with a broker that has no such API, as the embedded one of 'strandline dev'")
    }
    return .warn(
      subject, "the broker does not tell its settings: \(error.message)",
      mend: "allow this user DescribeConfigs on the topic")
  }

  /// - Parameter copies: of the partition that has the fewest
  func settingFindings(_ values: [String: String], copies: Int) -> [Finding] {
    role == .queues
      ? compaction(values) + replicas(values, copies)
      : policy(values) + retention(values) + timestamps(values) + sizes(values) + replicas(values, copies)
  }

  private func partitionFindings(_ topic: ClusterMetadata.Topic) -> [Finding] {
    if let error = topic.error {
      return [.fail(subject, "\(error)", mend: "see the broker's log")]
    }
    let leaderless = topic.partitions.filter { $0.leader == nil }.map(\.id)
    guard leaderless.isEmpty else {
      return [
        .fail(subject, "no leader for partition \(Self.list(leaderless))", mend: "see to it that its brokers run")
      ]
    }
    let lagging = topic.partitions.filter { $0.inSyncReplicas.count < $0.replicas.count }.map(\.id)
    guard lagging.isEmpty else {
      return [
        .warn(
          subject, "copies of partition \(Self.list(lagging)) are not in step", mend: "see to it that all brokers run")
      ]
    }
    let copies = topic.partitions.map(\.replicas.count).min() ?? 0
    return [
      .ok(
        subject,
        "\(topic.partitions.count) partition\(topic.partitions.count == 1 ? "" : "s"), \(copies) cop\(copies == 1 ? "y" : "ies") of each"
      )
    ]
  }

  private func policy(_ values: [String: String]) -> [Finding] {
    guard let policy = values["cleanup.policy"] else { return [] }
    if policy == "delete" { return [.ok(subject, "cleanup.policy is delete")] }
    return [
      .fail(
        subject, "cleanup.policy is \(policy): Kafka removes all but the last action of a queue",
        mend: alter("cleanup.policy=delete"))
    ]
  }

  private func compaction(_ values: [String: String]) -> [Finding] {
    guard let policy = values["cleanup.policy"] else { return [] }
    if policy == "compact" { return [.ok(subject, "cleanup.policy is compact")] }
    return [
      .fail(
        subject,
        "cleanup.policy is \(policy): Kafka removes the metadata of queues with time, and they are no longer audited",
        mend: alter("cleanup.policy=compact"))
    ]
  }

  private func retention(_ values: [String: String]) -> [Finding] {
    var findings: [Finding] = []
    if let milliseconds = values["retention.ms"].flatMap({ Int64($0) }) {
      let seconds = milliseconds / 1_000
      let hours = "retention.ms is \(milliseconds) (\(milliseconds / 3_600_000) h)"
      if milliseconds < 0 {
        findings.append(.ok(subject, "retention.ms has no limit"))
      } else if role == .actions, seconds < Int64(defaultTimeToLiveSeconds) {
        findings.append(
          .fail(
            subject, "\(hours): shorter than the default TTL of \(defaultTimeToLiveSeconds) s",
            mend: alter("retention.ms=\(Self.longestTimeToLiveSeconds * 1_500)")))
      } else if role == .actions, seconds <= Self.longestTimeToLiveSeconds {
        findings.append(
          .warn(
            subject,
            "\(hours): not above the longest TTL of \(Self.longestTimeToLiveSeconds / 3_600) h, so a lost data directory "
              + "may not be rebuilt whole",
            mend: alter("retention.ms=\(Self.longestTimeToLiveSeconds * 1_500)")))
      } else {
        findings.append(.ok(subject, hours))
      }
    }
    if let bytes = values["retention.bytes"].flatMap({ Int64($0) }), bytes >= 0 {
      findings.append(
        .warn(
          subject, "retention.bytes is \(bytes): a burst can push out actions before they are read",
          mend: alter("retention.bytes=-1")))
    }
    return findings
  }

  private func timestamps(_ values: [String: String]) -> [Finding] {
    guard role == .actions, let type = values["message.timestamp.type"] else { return [] }
    if type == "LogAppendTime" { return [.ok(subject, "message.timestamp.type is LogAppendTime")] }
    return [
      .warn(
        subject, "message.timestamp.type is \(type): the producers' clocks decide when actions expire",
        mend: alter("message.timestamp.type=LogAppendTime"))
    ]
  }

  private func sizes(_ values: [String: String]) -> [Finding] {
    guard let bytes = values["max.message.bytes"].flatMap({ Int64($0) }), bytes < Self.recordBytesMax else { return [] }
    return [
      .warn(
        subject, "max.message.bytes is \(bytes): the largest actions (\(ActionLimits.bodyBytesMax) bytes) are refused",
        mend: alter("max.message.bytes=1048588"))
    ]
  }

  private func replicas(_ values: [String: String], _ copies: Int) -> [Finding] {
    guard let needed = values["min.insync.replicas"].flatMap({ Int($0) }) else { return [] }
    if needed > copies, copies > 0 {
      return [
        .fail(
          subject,
          "min.insync.replicas is \(needed) with \(copies) cop\(copies == 1 ? "y" : "ies"): nothing can be written",
          mend: alter("min.insync.replicas=\(max(1, copies - 1))"))
      ]
    }
    if copies >= 3, needed < 2 {
      return [
        .warn(
          subject, "min.insync.replicas is \(needed): an acknowledged action can be lost with one broker",
          mend: alter("min.insync.replicas=2"))
      ]
    }
    return []
  }

  private func alter(_ setting: String) -> String {
    "kafka-configs.sh --alter --entity-type topics --entity-name \(name) --add-config \(setting)"
  }

  private static func list(_ ids: [Int32]) -> String {
    ids.prefix(8).map(String.init).joined(separator: ", ") + (ids.count > 8 ? ", …" : "")
  }
}
