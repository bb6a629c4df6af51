import AuditActions
import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("sync, between nodes run as users run them")
struct SyncNodesTests {
  private static let project = "p"

  /// `strandline serve` with a broker of its own.
  private final class Node: Sendable {
    let broker: EmbeddedBroker
    let url: String
    private let child: ChildProcess
    private let producer: KafkaProducer
    private let folder: URL

    init() async throws {
      broker = try EmbeddedBroker()
      try broker.createTopic("audit.actions", partitions: 3)
      try broker.createTopic("audit.actions.dlq", partitions: 1)
      folder = FileManager.default.temporaryDirectory.appending(path: "sync-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let child = try ChildProcess(
        [
          "serve", "--json", "--bootstrap-servers", broker.bootstrapServers, "--data", folder.path, "--listen",
          "127.0.0.1:0", "--audit-default", "all",
        ])
      self.child = child
      try await child.wait(for: "its address") { child.outputText.contains("\n") }
      let first = try #require(child.outputText.split(separator: "\n").first)
      let told = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
      url = try #require(told["url"] as? String)
      producer = try KafkaProducer(configuration: broker.configuration)
    }

    /// Until it has read its topic to the end it does not say that there is no log.
    var isReady: Bool {
      get async {
        if case .success = await FeedClient(url: url).text("/readyz") { return true }
        return false
      }
    }

    func emit(_ numbers: [Int64], _ log: SyncLog) async throws {
      let records = numbers.map { number in
        ProducerRecord(
          topic: "audit.actions", key: Array("\(log.project)/q\(number % 5)".utf8),
          value: SyncNodesTests.body(number, log),
          headers: [
            KafkaHeader("ce_source", log.source), KafkaHeader("ce_logid", log.log),
            KafkaHeader("ce_sequence", String(number)), KafkaHeader("ttl", "3600"),
          ])
      }
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

  private static func body(_ number: Int64, _ log: SyncLog) -> [UInt8] {
    Array(#"{"event": "E\#(log.log)",  "details":{"n":\#(number),"x":1.50,"é":"\u00e4"}}"#.utf8)
  }

  private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while try await !condition() {
      try #require(ContinuousClock.now < deadline, "waited in vain: \(what)")
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  @Test("two nodes and a relay that each lack some: the union is everywhere, byte for byte")
  func union() async throws {
    let seed = SyncRandom.testSeed
    var random = SyncRandom(seed: seed)
    let nodes = [try await Node(), try await Node(), try await Node()]
    for node in nodes { try await eventually("a node is ready") { await node.isReady } }
    let logs = [
      SyncLog(project: Self.project, source: "/workers/1", log: "1"),
      SyncLog(project: Self.project, source: "urn:a%20b?c=/d#e", log: "x.Y_2-3"),
    ]
    var model: [[SyncLog: Set<Int64>]] = [[:], [:], [:]]
    func agree(_ what: String) async throws {
      for (index, node) in nodes.enumerated() {
        for log in logs {
          try await eventually("\(what): node \(index), \(log.source), TEST_SEED=\(seed)") {
            try await node.has(model[index][log] ?? [], log)
          }
        }
      }
    }
    for round in 0..<6 {
      for (index, node) in nodes.enumerated() where index != 1 || round == 3 {
        for log in logs {
          let fresh = (Int64(round * 40 + 1)...Int64(round * 40 + 40)).filter { number in
            Int.random(in: 0...2, using: &random) > 0 && model[index][log]?.contains(number) != true
          }
          try await node.emit(fresh, log)
          model[index][log, default: []].formUnion(fresh)
        }
      }
      try await agree("emitted in round \(round)")
      // The relay is the second; it speaks with the others only.
      let other = Bool.random(using: &random) ? 0 : 2
      let mode = SyncMode.allCases.randomElement(using: &random) ?? .push
      let run = SyncRun(
        first: FeedSyncNode(url: nodes[1].url), second: FeedSyncNode(url: nodes[other].url), mode: mode,
        project: Self.project)
      var told: [String] = []
      let isWhole = try await run.run { told.append($0.text) }
      try #require(isWhole, "TEST_SEED=\(seed): \(told)")
      for log in logs {
        let (relay, peer) = (model[1][log] ?? [], model[other][log] ?? [])
        if mode.pulls { model[1][log] = relay.union(peer) }
        if mode.pushes { model[other][log] = peer.union(relay) }
      }
      try await agree("\(mode) with \(other) in round \(round)")
    }
    var reports = ""
    for other in [0, 2, 0] {
      let sync = try ChildProcess(
        [
          "sync", "--json", "--project", Self.project, "--from", nodes[1].url, "--upstream", nodes[other].url,
          "--mode", "pushpull",
        ])
      let end = try await sync.end()
      #expect(end.status == 0, "\(end.error)")
      reports += end.output
      for log in logs {
        let union = (model[1][log] ?? []).union(model[other][log] ?? [])
        (model[1][log], model[other][log]) = (union, union)
      }
      try await agree("sync with \(other)")
    }
    #expect(model[0] == model[1] && model[1] == model[2])
    #expect(reports.contains(#""direction":"pu"#) && !reports.contains("error"))
    for node in nodes {
      for log in logs {
        let bodies = try await node.bodies(log)
        #expect(Set(bodies.keys) == model[0][log])
        for (number, body) in bodies { #expect(Array(body.utf8) == Self.body(number, log)) }
      }
    }
    for node in nodes { try await node.stop() }
  }

  @Test("what a worker could not publish reaches the node from its spool, and is stored once when Kafka is back")
  func spool() async throws {
    let node = try await Node()
    let spool = FileManager.default.temporaryDirectory.appending(path: "sync-spool-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: spool) }
    func emit(_ numbers: ClosedRange<Int>, to servers: String, timeout: Int) async throws -> ChildProcess.Result {
      let lines = numbers.map { #"{"project":"p","queue":"q","body":{"event":"E","n":\#($0)}}"# }
      return try await ChildProcess(
        [
          "emit", "--json", "--bootstrap-servers", servers, "--spool", spool.path, "--timeout", String(timeout),
        ], input: lines.joined(separator: "\n") + "\n"
      ).end()
    }
    _ = try await emit(1...20, to: "127.0.0.1:1", timeout: 1)
    try await eventually("the node is ready") { await node.isReady }
    let arguments = ["sync", "--json", "--project", "p", "--spool", spool.path, "--to", node.url]
    let sync = try await ChildProcess(arguments).end()
    #expect(sync.status == 0 && sync.output.contains(#""accepted":"1-20","acceptedCount":20"#), "\(sync)")
    var logs: [SyncLog] = []
    try await eventually("the log is known") {
      logs = try await FeedSyncNode(url: node.url).logs(of: "p")
      return !logs.isEmpty
    }
    let log = try #require(logs.first)
    try await eventually("all are stored") { try await node.has(Set(1...20), log) }
    let again = try await ChildProcess(arguments).end()
    #expect(again.status == 0 && again.output.isEmpty)
    let published = try await emit(21...22, to: node.broker.bootstrapServers, timeout: 60)
    #expect(published.status == 0, "\(published.error)")
    try await eventually("the rest is stored") { try await node.has(Set(1...22), log) }
    let bodies = try await node.bodies(log)
    #expect(bodies.count == 22 && bodies[7] == #"{"event":"E","n":7}"#)
    try await node.stop()
    for bad in [["--from", node.url], ["--mode", "pull"], ["--mode-lowest-ids", "push"]] {
      #expect(try await ChildProcess(arguments + bad).end().status == 64)
    }
    var elsewhere = arguments
    elsewhere[5] = spool.path + "-none"
    #expect(try await ChildProcess(elsewhere).end().status == 74)
  }

  @Test("a node that does not answer is told, with its exit code; wrong flags are told as well")
  func unreachable() async throws {
    for (arguments, status) in [
      (["--project", "p", "--from", "http://127.0.0.1:1", "--to", "http://127.0.0.1:1"], 69),
      (["--project", "a b", "--to", "http://127.0.0.1:1"], 64), (["--project", "p", "--to", "127.0.0.1:1"], 64),
      (["--project", "p"], 64), (["--project", "p", "--to", "http://127.0.0.1:1", "--mode", "both"], 64),
      (["--project", "p", "--to", "http://127.0.0.1:1", "--interval", "0"], 64),
    ] as [([String], Int32)] {
      let end = try await ChildProcess(["sync"] + arguments).end()
      #expect(end.status == status, "\(arguments): \(end.error)")
      #expect(!end.error.isEmpty)
    }
  }
}
