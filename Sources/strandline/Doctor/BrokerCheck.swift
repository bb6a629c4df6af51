import Foundation
import Kafka
import Logging

/// Looks at the brokers and the three topics.
struct BrokerCheck {
  static let timeout: Duration = .seconds(10)
  /// A broker that has just answered tells a topic's settings at once, or never.
  static let settingsTimeout: Duration = .seconds(5)

  let kafka: KafkaConfiguration
  let topic: String
  let deadLetterTopic: String
  let queuesTopic: String
  let defaultTimeToLiveSeconds: Int
  let logger: Logger

  /// Each finding as soon as it is known.
  func findings() -> AsyncStream<Finding> {
    let (stream, findings) = AsyncStream.makeStream(of: Finding.self)
    Task {
      await look { findings.yield($0) }
      findings.finish()
    }
    return stream
  }

  private func look(_ tell: (Finding) -> Void) async {
    let admin: KafkaAdmin
    do throws(KafkaError) { admin = try KafkaAdmin(configuration: kafka, logger: logger) } catch {
      return tell(
        .fail("kafka", error.message, mend: "correct the librdkafka properties; see 'strandline config print'"))
    }
    await look(admin, tell)
    await admin.close()
  }

  private func look(_ admin: KafkaAdmin, _ tell: (Finding) -> Void) async {
    do throws(KafkaError) {
      let cluster = try await Patience.run("waiting for Kafka at \(kafka.bootstrapServers)") {
        () async throws(KafkaError) in try await admin.metadata(timeout: Self.timeout)
      }
      let brokers = cluster.brokers.map { "\($0.host):\($0.port)" }.joined(separator: ", ")
      tell(.ok("broker", "\(cluster.brokers.count) broker\(cluster.brokers.count == 1 ? "" : "s") (\(brokers))"))
      var silence: KafkaError?
      for (name, role) in [(topic, TopicCheck.Role.actions), (deadLetterTopic, .deadLetters), (queuesTopic, .queues)] {
        for finding in await check(name, role, cluster, admin, &silence) { tell(finding) }
      }
      for finding in await clock(cluster) { tell(finding) }
    } catch {
      tell(
        .fail(
          "broker", "\(kafka.bootstrapServers) cannot be reached: \(error.message)",
          mend: "check --bootstrap-servers, the network, and security.protocol and its kin under 'kafka'"))
    }
  }

  /// - Parameter silence: set when the broker does not answer such a question at all; then it is not asked again
  private func check(
    _ name: String, _ role: TopicCheck.Role, _ cluster: ClusterMetadata, _ admin: KafkaAdmin,
    _ silence: inout KafkaError?
  ) async -> [Finding] {
    guard let found = cluster.topics.first(where: { $0.name == name }) else {
      return [
        .fail(
          "topic \(name)", "does not exist",
          mend: "strandline topic create --bootstrap-servers \(kafka.bootstrapServers) --topic \(topic)")
      ]
    }
    let check = TopicCheck(name: name, role: role, defaultTimeToLiveSeconds: defaultTimeToLiveSeconds)
    if let silence { return check.findings(found, .failure(silence)) }
    do throws(KafkaError) {
      let entries = try await Patience.run("waiting for the settings of the topic \(name)") {
        () async throws(KafkaError) in
        try await admin.describeConfiguration(topic: name, timeout: Self.settingsTimeout)
      }
      return check.findings(found, .success(entries))
    } catch {
      if error.code == KafkaError.Code.timedOut { silence = error }
      return check.findings(found, .failure(error))
    }
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
