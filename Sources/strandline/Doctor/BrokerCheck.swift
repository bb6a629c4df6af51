import Foundation
import Kafka
import Logging

/// Looks at the brokers and the two topics.
struct BrokerCheck {
  static let timeout: Duration = .seconds(10)

  let kafka: KafkaConfiguration
  let topic: String
  let deadLetterTopic: String
  let defaultTimeToLiveSeconds: Int
  let logger: Logger

  func findings() async -> [Finding] {
    let admin: KafkaAdmin
    do throws(KafkaError) { admin = try KafkaAdmin(configuration: kafka, logger: logger) } catch {
      return [.fail("kafka", error.message, mend: "correct the librdkafka properties; see 'strandline config print'")]
    }
    let findings = await findings(admin)
    await admin.close()
    return findings
  }

  private func findings(_ admin: KafkaAdmin) async -> [Finding] {
    do throws(KafkaError) {
      let cluster = try await admin.metadata(timeout: Self.timeout)
      let brokers = cluster.brokers.map { "\($0.host):\($0.port)" }.joined(separator: ", ")
      var findings = [
        Finding.ok("broker", "\(cluster.brokers.count) broker\(cluster.brokers.count == 1 ? "" : "s") (\(brokers))")
      ]
      for (name, role) in [(topic, TopicCheck.Role.actions), (deadLetterTopic, .deadLetters)] {
        findings += await check(name, role, cluster, admin)
      }
      return findings + (await clock(cluster))
    } catch {
      return [
        .fail(
          "broker", "\(kafka.bootstrapServers) cannot be reached: \(error.message)",
          mend: "check --bootstrap-servers, the network, and security.protocol and its kin under 'kafka'")
      ]
    }
  }

  private func check(
    _ name: String, _ role: TopicCheck.Role, _ cluster: ClusterMetadata, _ admin: KafkaAdmin
  ) async -> [Finding] {
    guard let found = cluster.topics.first(where: { $0.name == name }) else {
      return [
        .fail(
          "topic \(name)", "does not exist",
          mend: "strandline topic create --bootstrap-servers \(kafka.bootstrapServers) --topic \(topic)")
      ]
    }
    let check = TopicCheck(name: name, role: role, defaultTimeToLiveSeconds: defaultTimeToLiveSeconds)
    let entries: [ConfigurationEntry]?
    do throws(KafkaError) {
      entries = try await admin.describeConfiguration(topic: name, timeout: Self.timeout)
    } catch {
      entries = nil
    }
    return check.findings(found, entries)
  }

  /// A record that the broker stamped later than now shows clocks that disagree.
  private func clock(_ cluster: ClusterMetadata) async -> [Finding] {
    guard let partitions = cluster.topics.first(where: { $0.name == topic })?.partitions.map(\.id) else { return [] }
    let newest: Int64?
    do throws(KafkaError) {
      let consumer = try KafkaConsumer(configuration: kafka, logger: logger)
      defer { consumer.wakeUp() }
      let topic = topic
      newest = try await runOnOwnThread(name: "doctor-clock") { () throws(KafkaError) in
        try Self.newestTimestamp(consumer, topic: topic, partitions: partitions)
      }
      await consumer.close()
    } catch {
      return [
        .warn("clock", "the newest record cannot be read: \(error.message)", mend: "allow this user to read the topic")
      ]
    }
    guard let newest else { return [.ok("clock", "there is no record yet to compare the broker's clock with")] }
    let ahead = newest - Int64(Date().timeIntervalSince1970 * 1_000)
    guard ahead > 2_000 else { return [.ok("clock", "no record is from the future")] }
    return [
      .warn(
        "clock", "the newest record is stamped \(ahead / 1_000) s ahead of this machine's clock",
        mend: "synchronise the clocks of brokers and this machine (NTP): actions expire by them")
    ]
  }

  /// Blocks, for 5 s at most.
  private static func newestTimestamp(
    _ consumer: KafkaConsumer, topic: String, partitions: [Int32]
  ) throws(KafkaError) -> Int64? {
    var starts: [TopicPartition: Start] = [:]
    for partition in partitions {
      let place = TopicPartition(topic: topic, partition: partition)
      let marks = try consumer.watermarks(of: place, timeout: .seconds(5))
      if marks.high > marks.low { starts[place] = .offset(marks.high - 1) }
    }
    guard !starts.isEmpty else { return nil }
    try consumer.assign(starts)
    var open = Set(starts.keys)
    var newest: Int64?
    let deadline = ContinuousClock.now + .seconds(5)
    while !open.isEmpty, ContinuousClock.now < deadline {
      let batch = try consumer.poll(maxRecords: 1_000, timeout: .milliseconds(200))
      for record in batch {
        if let time = record.timestamp.milliseconds { newest = max(newest ?? time, time) }
        open.remove(TopicPartition(topic: topic, partition: record.partition))
      }
      for end in batch.ends.keys { open.remove(end) }
    }
    return newest
  }
}
