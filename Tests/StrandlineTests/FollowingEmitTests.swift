import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("emit --queues-topic, run as users run it")
struct FollowingEmitTests {
  private static let topics = (actions: "audit.actions", queues: "audit.queues")
  private static let line = #"{"project":"p","queue":"quiet","body":{"event":"ClaimExpired"}}"#

  let broker: EmbeddedBroker

  init() throws {
    broker = try EmbeddedBroker()
    try broker.createTopic(Self.topics.actions, partitions: 1)
    try broker.createTopic(Self.topics.queues, partitions: 1)
  }

  private func declare(_ queue: String, _ document: String) async throws {
    let producer = try KafkaProducer(configuration: broker.configuration)
    _ = try await producer.sendAcknowledged(
      topic: Self.topics.queues, key: Array(queue.utf8), value: Array(document.utf8))
    await producer.close(flushTimeout: .seconds(1))
  }

  private func emit(_ arguments: [String], input: String? = nil) async throws -> ChildProcess.Result {
    try await ChildProcess.run(
      ["emit", "--bootstrap-servers", broker.bootstrapServers, "--queues-topic", Self.topics.queues] + arguments,
      input: input)
  }

  private func emitted() async throws -> Int64 {
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    let end = try await runOnOwnThread(name: "test-end") { () throws(KafkaError) in
      try consumer.watermarks(of: TopicPartition(topic: Self.topics.actions, partition: 0), timeout: .seconds(60)).high
    }
    await consumer.close()
    return end
  }

  @Test("knows what queues say before it sends anything, however short its input is")
  func waits() async throws {
    try await declare("p/quiet", #"{"audit":{"enabled":false}}"#)
    let lines = try await emit(["--json"], input: Self.line + "\n")
    #expect(lines.status == 0, "\(lines.error)")
    #expect(lines.output.contains(#""emitted":0,"skipped":1,"refused":0,"failed":0"#), "\(lines.output)")
    let single = try await emit(["--project", "p", "--queue", "quiet", "--event", "ClaimExpired"])
    #expect(single.status == 65)
    #expect(single.error.contains("not_wanted"), "\(single.error)")
    #expect(try await emitted() == 0)
    let other = try await emit(["--project", "p", "--queue", "loud", "--event", "ClaimExpired"])
    #expect(other.status == 0, "\(other.error)")
    #expect(try await emitted() == 1)
  }

  @Test("sends nothing and ends with 69 when what queues say cannot be read")
  func unreadable() async throws {
    try broker.setTopicError(Self.topics.queues, KafkaError.Code.unknownTopicOrPartition)
    for (arguments, input) in [
      ([], Self.line + "\n"), (["--project", "p", "--queue", "q", "--event", "ClaimExpired"], nil),
    ] as [([String], String?)] {
      let result = try await emit(["--timeout", "1"] + arguments, input: input)
      #expect(result.status == 69)
      #expect(
        result.error.contains("the metadata of queues, topic 'audit.queues', was not read within 1 s"),
        "\(result.error)")
    }
    #expect(try await emitted() == 0)
  }

  @Test("--help says what holds without the flag, which is not the default that others have")
  func help() async throws {
    let result = try await ChildProcess.run(["emit", "--help"])
    let help = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(help.contains("; without it, none is followed. "), "\(result.output)")
    #expect(!help.contains("default: audit.queues"))
    let serve = try await ChildProcess.run(["serve", "--help"])
    #expect(serve.output.contains("audit.queues"))
  }
}
