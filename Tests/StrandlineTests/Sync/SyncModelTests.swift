import AuditActions
import Foundation
import Synchronization
import Testing

@testable import strandline

/// Random numbers from a seed, so that a failing run can be repeated (SplitMix64).
struct SyncRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  static var testSeed: UInt64 {
    ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64(UInt32.max))
  }
}

/// A node in memory: what came, what of it is still there, and faults on demand.
final class MemoryNode: SyncNode {
  struct Log: Equatable {
    var received = SequenceRanges()
    var actions: [Int64: [UInt8]] = [:]
    var lowest: Int64 = 1
  }

  struct State {
    var logs: [SyncLog: Log] = [:]
    var random: SyncRandom
    /// Of a hundred requests.
    var faults = 0
    var requests = 0
  }

  let state: Mutex<State>

  init(seed: UInt64 = 0) { state = Mutex(State(random: SyncRandom(seed: seed))) }

  private func ask<Value: Sendable>(_ body: (inout sending State) -> sending Value) throws(SyncFault) -> Value {
    let value: Value? = state.withLock { state in
      state.requests += 1
      guard Int.random(in: 0..<100, using: &state.random) >= state.faults else { return nil }
      return body(&state)
    }
    guard let value else { throw SyncFault("on demand") }
    return value
  }

  func emit(_ number: Int64, _ log: SyncLog) {
    state.withLock { state in
      state.logs[log, default: Log()].received.insert(number)
      state.logs[log]?.actions[number] = Self.body(number, log)
    }
  }

  static func body(_ number: Int64, _ log: SyncLog) -> [UInt8] { Array("\(log.source) \(log.log) \(number)".utf8) }

  func logs(of project: String) async throws(SyncFault) -> [SyncLog] {
    try ask { $0.logs.keys.filter { $0.project == project } }
  }

  func state(of log: SyncLog) async throws(SyncFault) -> SyncState? {
    try ask { $0.logs[log].map { SyncState(received: $0.received, lowest: $0.lowest) } }
  }

  func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage {
    try ask { state in
      guard let found = state.logs[log] else { return SyncPage(items: [], reached: .max, isLast: true) }
      let all = found.actions.keys.filter { $0 > after && $0 >= found.lowest && ranges.contains($0) }.sorted()
      let some = all.prefix(Int.random(in: 1...7, using: &state.random))
      let items = some.map { SyncItem(sequence: $0, json: found.actions[$0] ?? []) }
      let isLast = some.count == all.count
      return SyncPage(items: items, reached: isLast ? ranges.highest ?? after : some.last ?? after, isLast: isLast)
    }
  }

  func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer {
    try ask { state in
      var answer = SyncAnswer()
      for item in items {
        if state.logs[log]?.received.contains(item.sequence) == true {
          answer.present.insert(item.sequence)
        } else if Int.random(in: 0..<100, using: &state.random) < state.faults {
          answer.refused.append(.init(sequence: item.sequence, status: 503, detail: "on demand"))
        } else {
          answer.accepted.insert(item.sequence)
          state.logs[log, default: Log()].received.insert(item.sequence)
          state.logs[log]?.actions[item.sequence] = item.json
        }
      }
      return answer
    }
  }

  func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool {
    try ask { state in
      guard let found = state.logs[log] else { return false }
      state.logs[log]?.lowest = max(lowest, found.lowest)
      return true
    }
  }
}

@Suite("Synchronising, held against a model")
struct SyncModelTests {
  private static let project = "p"

  private func log(_ number: Int) -> SyncLog { SyncLog(project: Self.project, source: "/w\(number)", log: "1") }

  @Test("two nodes and a relay: whatever was lost on the way, the union is everywhere in the end")
  func union() async throws {
    let seed = SyncRandom.testSeed
    var random = SyncRandom(seed: seed)
    for round in 0..<150 {
      let nodes = (0..<3).map { _ in MemoryNode(seed: random.next()) }
      var union: [SyncLog: Set<Int64>] = [:]
      var links = [(0, 1), (1, 2)]
      if Bool.random(using: &random) { links.append((0, 2)) }
      func isUnion(_ node: MemoryNode) -> Bool {
        let logs = node.state.withLock { $0.logs }
        return union.allSatisfy { log, numbers in
          logs[log].map { found in
            Set(found.actions.keys) == numbers && found.received.count == Int64(numbers.count)
              && found.actions.allSatisfy { MemoryNode.body($0.key, log) == $0.value }
          } ?? false
        }
      }
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        // A source emits; some nodes never see some of it.
        let log = log(Int.random(in: 0...2, using: &random))
        let first = (union[log]?.max() ?? 0) + Int64.random(in: 1...3, using: &random)
        for number in first...(first + Int64.random(in: 0...30, using: &random)) {
          let seen = nodes.indices.filter { _ in Bool.random(using: &random) }
          for index in seen { nodes[index].emit(number, log) }
          if !seen.isEmpty { union[log, default: []].insert(number) }
        }
        let link = links.randomElement(using: &random) ?? (0, 1)
        for index in [link.0, link.1] {
          let faults = Bool.random(using: &random) ? 20 : 0
          nodes[index].state.withLock { $0.faults = faults }
        }
        let run = SyncRun(
          first: nodes[link.0], second: nodes[link.1],
          mode: SyncMode.allCases.randomElement(using: &random) ?? .push, project: Self.project)
        _ = try? await run.run { _ in }
      }
      // Then nothing fails any more, and each link has its turn until nothing is lacking.
      for node in nodes { node.state.withLock { $0.faults = 0 } }
      for link in links + links.reversed() + links {
        let isWhole = try await SyncRun(
          first: nodes[link.0], second: nodes[link.1], mode: .pushpull, project: Self.project
        ).run { _ in }
        #expect(isWhole)
      }
      try #require(nodes.allSatisfy(isUnion), "TEST_SEED=\(seed), round \(round)")
      // Once more: nothing is sent.
      var sent = 0
      _ = try await SyncRun(first: nodes[0], second: nodes[1], mode: .pushpull, project: Self.project).run {
        if case .transferred(let transfer) = $0, !transfer.accepted.isEmpty { sent += 1 }
      }
      #expect(sent == 0)
    }
  }

  @Test("what is lacking agrees with plain sets, purge points included")
  func delta() {
    let seed = SyncRandom.testSeed
    var random = SyncRandom(seed: seed)
    for _ in 0..<2_000 {
      func state() -> (SyncState, Set<Int64>) {
        var (state, model) = (SyncState(), Set<Int64>())
        for _ in 0..<Int.random(in: 0...6, using: &random) {
          let first = Int64.random(in: 1...60, using: &random)
          let range = first...(first + Int64.random(in: 0...9, using: &random))
          state.received.insert(range)
          model.formUnion(range)
        }
        if Bool.random(using: &random) { state.lowest = Int64.random(in: 1...50, using: &random) }
        return (state, model)
      }
      let (source, destination) = (state(), state())
      let expected = source.1.subtracting(destination.1).filter { $0 >= max(source.0.lowest, destination.0.lowest) }
      var ranges = SequenceRanges()
      for number in expected { ranges.insert(number) }
      #expect(source.0.lacking(in: destination.0) == ranges, "TEST_SEED=\(seed)")
    }
  }

  @Test("a difference of millions of numbers is worked out by ranges")
  func large() {
    var (source, destination) = (SyncState(), SyncState())
    source.received = SequenceRanges(1...10_000_000)
    destination.received = SequenceRanges(5...5)
    destination.lowest = 3
    // A million differences, each of ten million numbers: number by number this would not end.
    var sum: Int64 = 0
    for _ in 0..<10_000 { sum += source.lacking(in: destination).count }
    #expect(sum == 10_000 * 9_999_997)
    #expect(source.lacking(in: destination).description == "3-4,6-10000000")
  }

  @Test("one log that fails does not stop the others; what failed is sent by the next run")
  func failing() async throws {
    let (first, second) = (MemoryNode(), MemoryNode())
    for number in Int64(1)...5 {
      first.emit(number, log(1))
      first.emit(number, log(2))
    }
    final class Failing: SyncNode {
      let node: MemoryNode
      let bad: SyncLog
      init(_ node: MemoryNode, _ bad: SyncLog) { (self.node, self.bad) = (node, bad) }
      func logs(of project: String) async throws(SyncFault) -> [SyncLog] { try await node.logs(of: project) }
      func state(of log: SyncLog) async throws(SyncFault) -> SyncState? { try await node.state(of: log) }
      func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage {
        guard log != bad else { throw SyncFault("bad") }
        return try await node.receive(ranges, after: after, of: log)
      }
      func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer { SyncAnswer() }
      func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool { false }
    }
    var told: [String] = []
    let isWhole = try await SyncRun(first: Failing(first, log(1)), second: second, project: Self.project).run {
      told.append($0.text)
    }
    #expect(!isWhole && told == ["/w1 1: push 0 sent, then failed: bad", "/w2 1: push 5 sent"])
    #expect(try await SyncRun(first: first, second: second, project: Self.project).run { _ in })
    #expect(second.state.withLock { $0.logs[log(1)]?.received.description } == "1-5")
  }

  @Test("purge points go in the directions asked for, and what is below is not sent")
  func lowest() async throws {
    for mode in SyncMode.allCases {
      let (first, second) = (MemoryNode(), MemoryNode())
      for number in Int64(1)...9 { first.emit(number, log(1)) }
      for number in Int64(5)...12 { second.emit(number, log(1)) }
      _ = try await first.raise(log(1), to: 4)
      _ = try await second.raise(log(1), to: 6)
      var run = SyncRun(first: first, second: second, mode: .pushpull, project: Self.project)
      run.lowestMode = mode
      #expect(try await run.run { _ in })
      let states = (try await first.state(of: log(1)), try await second.state(of: log(1)))
      #expect(states.0?.lowest == (mode.pulls ? 6 : 4) && states.1?.lowest == 6)
      #expect(states.0?.received.description == "1-12" && states.1?.received.description == "5-12")
    }
  }

  @Test("what has gone at the source is told, and is no failure")
  func gone() async throws {
    let (first, second) = (MemoryNode(), MemoryNode())
    for number in Int64(1)...9 { first.emit(number, log(1)) }
    for number in Int64(3)...5 { first.state.withLock { $0.logs[log(1)]?.actions[number] = nil } }
    var told: [JSONValue] = []
    let run = SyncRun(first: first, second: second, project: Self.project)
    #expect(try await run.run { told.append($0.json) })
    #expect(
      told.map(\.text) == [
        #"{"project":"p","source":"/w1","log":"1","direction":"push","accepted":"1-2,6-9","acceptedCount":6,"#
          + #""present":"","gone":"3-5","refusedCount":0,"refused":[]}"#
      ])
  }
}
