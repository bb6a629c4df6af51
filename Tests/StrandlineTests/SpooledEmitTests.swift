import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("emit --spool, run as users run it")
struct SpooledEmitTests {
  /// 16 MB of lines, more than a spool holds.
  private static let lineCount = 8_000
  private static let topic = "audit.actions"

  let broker: EmbeddedBroker
  let folder: URL

  init() throws {
    broker = try EmbeddedBroker()
    folder = FileManager.default.temporaryDirectory.appending(path: "spooled-emit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func lines(from first: Int = 1) throws -> URL {
    let filling = String(repeating: "x", count: 2_000)
    let text = (first...Self.lineCount).map {
      #"{"project":"p","queue":"q","body":{"event":"E","n":\#($0),"filling":"\#(filling)"}}"#
    }
    let file = folder.appending(path: "lines-\(first)")
    try Data((text.joined(separator: "\n") + "\n").utf8).write(to: file)
    return file
  }

  private func emit(_ input: URL, timeout: Int, topic: String = topic) throws -> ChildProcess {
    try ChildProcess(
      [
        "emit", "--json", "--bootstrap-servers", broker.bootstrapServers, "--topic", topic, "--spool",
        folder.appending(path: "spool").path, "--timeout", String(timeout), "--kafka-property",
        "reconnect.backoff.max.ms=200",
      ], inputFile: input)
  }

  private func told(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private static func accepted(_ output: String) -> Int {
    output.matches(of: /"acceptedThrough":(\d+)}/).compactMap { Int($0.1) }.max() ?? 0
  }

  private func recordCount() async throws -> Int64 {
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    let end = try await runOnOwnThread(name: "test-end") { () throws(KafkaError) in
      try consumer.watermarks(of: TopicPartition(topic: Self.topic, partition: 0), timeout: .seconds(60)).high
    }
    await consumer.close()
    return end
  }

  private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

  @Test("waits for Kafka to make room when lines come faster than it takes them")
  func waits() async throws {
    defer { cleanUp() }
    try broker.createTopic(Self.topic, partitions: 1)
    try broker.setBroker(1, isUp: false)
    let emit = try emit(try lines(), timeout: 300)
    defer { emit.signal(SIGKILL) }
    try await emit.wait(for: "a spool that is nearly full") { Self.accepted(emit.outputText) >= 4_000 }
    try broker.setBroker(1, isUp: true)
    let result = try await emit.end()
    #expect(result.status == 0, "\(result.error)")
    let report = try #require(try told(result.output).last)
    #expect(report["accepted"] as? Int == Self.lineCount && report["failed"] as? Int == 0)
    #expect(report["published"] as? Int == Self.lineCount && report["spooled"] as? Int == 0)
    #expect(try await recordCount() == Int64(Self.lineCount))
  }

  @Test("ends when the spool is full and Kafka stays away; who goes on behind the last line told loses nothing")
  func ends() async throws {
    defer { cleanUp() }
    try broker.createTopic(Self.topic, partitions: 1)
    try broker.setBroker(1, isUp: false)
    let first = try emit(try lines(), timeout: 1)
    defer { first.signal(SIGKILL) }
    let result = try await first.end()
    #expect(result.status == 69, "\(result.error)")
    let items = try told(result.output)
    let accepted = try #require(items.compactMap { $0["acceptedThrough"] as? Int }.last)
    try #require(accepted > 4_000 && accepted < Self.lineCount)
    let failed = items.filter { $0["error"] != nil }
    #expect(failed.map { $0["line"] as? Int } == [accepted + 1])
    #expect(failed.map { $0["error"] as? String } == ["spool_full"])
    #expect(items.last?["accepted"] as? Int == accepted && items.last?["spooled"] as? Int == accepted)
    #expect(result.error.contains("stopped: the spool has neither line \(accepted + 1) nor what follows it"))

    try broker.setBroker(1, isUp: true)
    let second = try emit(try lines(from: accepted + 1), timeout: 300)
    defer { second.signal(SIGKILL) }
    let rest = try await second.end()
    #expect(rest.status == 0, "\(rest.error)")
    #expect(try told(rest.output).last?["published"] as? Int == Self.lineCount)
    #expect(try await recordCount() == Int64(Self.lineCount))
  }

  @Test("publishes nothing to a topic that is not there, says so, and keeps the lines")
  func noTopic() async throws {
    defer { cleanUp() }
    let file = folder.appending(path: "line")
    try Data(#"{"project":"p","queue":"q","body":{"event":"E"}}"#.utf8).write(to: file)
    // A topic that no client has named comes into being here when it is asked for; this one is there, and denied.
    try broker.createTopic(Self.topic, partitions: 1)
    try broker.setTopicError(Self.topic, KafkaError.Code.unknownTopicOrPartition)
    let first = try emit(file, timeout: 60)
    defer { first.signal(SIGKILL) }
    let result = try await first.end()
    #expect(result.status == 69)
    #expect(result.error.contains("there is no topic '\(Self.topic)'"), "\(result.error)")
    #expect(try told(result.output).last?["spooled"] as? Int == 1)
    try broker.setTopicError(Self.topic, nil)
    let second = try emit(file, timeout: 60)
    defer { second.signal(SIGKILL) }
    #expect(try await second.end().status == 0)
    #expect(try await recordCount() == 2)
  }
}
