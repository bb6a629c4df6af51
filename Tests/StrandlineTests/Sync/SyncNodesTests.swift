import AuditActions
import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("sync, between nodes run as users run them")
struct SyncNodesTests {
  private static let project = "p"

  @Test("two nodes and a relay that each lack some: the union is everywhere, byte for byte")
  func union() async throws {
    let seed = SyncRandom.testSeed
    var random = SyncRandom(seed: seed)
    let nodes = [try await SyncTestNode(), try await SyncTestNode(), try await SyncTestNode()]
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
        for (number, body) in bodies { #expect(Array(body.utf8) == SyncTestNode.body(number, log)) }
      }
    }
    for node in nodes { try await node.stop() }
  }

  @Test("a number with other content on either node is told by --compare, with exit code 1 and nothing of the content")
  func conflict() async throws {
    let nodes = [try await SyncTestNode(), try await SyncTestNode()]
    for node in nodes { try await eventually("a node is ready") { await node.isReady } }
    let log = SyncLog(project: Self.project, source: "/workers/1", log: "1")
    try await nodes[0].emit([1, 2, 3, 4], log)
    try await nodes[1].emit([1, 2, 3], log) { number, log in
      number == 2 ? Array(#"{"event":"secret"}"#.utf8) : SyncTestNode.body(number, log)
    }
    try await eventually("all are stored") { try await nodes[0].has([1, 2, 3, 4], log) }
    try await eventually("all are stored") { try await nodes[1].has([1, 2, 3], log) }
    let arguments = ["sync", "--json", "--project", Self.project, "--from", nodes[0].url, "--to", nodes[1].url]
    let plain = try await ChildProcess(arguments).end()
    #expect(plain.status == 0 && plain.output.contains(#""accepted":"4""#) && !plain.output.contains("compared"))
    try await eventually("what was sent is stored") { try await nodes[1].has([1, 2, 3, 4], log) }
    let compared = try await ChildProcess(arguments + ["--compare"]).end()
    #expect(compared.status == 1)
    // printf '{"event":"secret"}' | sha256sum
    #expect(compared.output.contains(#""compared":4,"conflictCount":1,"conflicts":[{"sequence":2,"first":"sha256:"#))
    #expect(
      compared.output.contains(
        #""second":"sha256:ca8b0e3090c067c08e6491b01a78a675b1dcdbf13a78ed56ae383a6dd84a6f5e"}]}"#))
    #expect(!compared.output.contains("secret") && !compared.error.contains("secret"))
    for node in nodes { try await node.stop() }
  }

  @Test("what a worker could not publish reaches the node from its spool, and is stored once when Kafka is back")
  func spool() async throws {
    let node = try await SyncTestNode()
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
