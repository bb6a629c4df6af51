import AuditActions
import Foundation
import Kafka
import Testing

@testable import strandline

/// `strandline serve` with a broker of its own.
final class SyncTestNode: Sendable {
  let broker: EmbeddedBroker
  let url: String
  private let child: ChildProcess
  private let producer: KafkaProducer
  private let folder: URL

  /// - Parameter arguments: of `serve`, beside those it needs.
  init(_ arguments: [String] = []) async throws {
    broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 3)
    try broker.createTopic("audit.actions.dlq", partitions: 1)
    folder = FileManager.default.temporaryDirectory.appending(path: "sync-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let child = try ChildProcess(
      [
        "serve", "--json", "--bootstrap-servers", broker.bootstrapServers, "--data", folder.path, "--listen",
        "127.0.0.1:0", "--audit-default", "all",
      ] + arguments)
    self.child = child
    try await child.wait(for: "its address") { child.outputText.contains("\n") }
    let first = try #require(child.outputText.split(separator: "\n").first)
    let told = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
    url = try #require(told["url"] as? String)
    producer = try KafkaProducer(configuration: broker.configuration)
  }

  // Of a test that failed before it stopped it.
  deinit {
    child.abandon()
    try? FileManager.default.removeItem(at: folder)
  }

  /// Until it has read its topic to the end it does not say that there is no log.
  var isReady: Bool {
    get async {
      if case .success = await FeedClient(url: url).text("/readyz") { return true }
      return false
    }
  }

  /// The content of the actions that are emitted.
  static func body(_ number: Int64, _ log: SyncLog) -> [UInt8] {
    Array(#"{"event": "E\#(log.log)",  "details":{"n":\#(number),"x":1.50,"é":"\u00e4"}}"#.utf8)
  }

  func emit(
    _ numbers: [Int64], _ log: SyncLog, body: (Int64, SyncLog) -> [UInt8] = SyncTestNode.body
  ) async throws {
    try await send(
      numbers.map { number in
        ProducerRecord(
          topic: "audit.actions", key: Array("\(log.project)/q\(number % 5)".utf8),
          value: body(number, log),
          headers: [
            KafkaHeader("ce_source", log.source), KafkaHeader("ce_logid", log.log),
            KafkaHeader("ce_sequence", String(number)), KafkaHeader("ttl", "3600"),
          ])
      })
  }

  func send(_ records: [ProducerRecord]) async throws {
    for result in await producer.sendAcknowledged(records) { _ = try result.get() }
  }

  func has(_ numbers: Set<Int64>, _ log: SyncLog) async throws -> Bool {
    let state = try? await FeedSyncNode(url: url).state(of: log)
    guard let received = state?.received else { return numbers.isEmpty }
    return received.count == Int64(numbers.count) && numbers.allSatisfy(received.contains)
  }

  func bodies(_ log: SyncLog) async throws -> [Int64: String] {
    var bodies: [Int64: String] = [:]
    var after: Int64 = 0
    while true {
      let page = try await FeedSyncNode(url: url).receive(.full, after: after, of: log)
      for item in page.items {
        let text = String(decoding: item.json, as: UTF8.self)
        bodies[item.sequence] = text.range(of: "\"body\":").map { String(text[$0.upperBound...].dropLast()) }
      }
      if page.isLast { return bodies }
      after = page.reached
    }
  }

  func stop() async throws {
    await producer.close(flushTimeout: .seconds(5))
    child.signal(SIGTERM)
    let end = try await child.end()
    #expect(end.status == 0, "\(end.error)")
    await broker.close()
    try? FileManager.default.removeItem(at: folder)
  }
}

/// Waits until `condition` holds; fails the test after two minutes, which no machine is too slow for.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "waited in vain: \(what)")
    try await Task.sleep(for: .milliseconds(50))
  }
}
