import AuditActions
import Synchronization
import Testing

@testable import strandline

@Suite("Synchronising numbers that have other content on either side")
struct SyncConflictTests {
  private let log = SyncLog(project: "p", source: "/w", log: "1")

  private static func item(_ number: Int64, queue: String = "q", _ body: String) -> [UInt8] {
    Array(#"{"sequence":\#(number),"queue":"\#(queue)","ttl":300,"body":\#(body)}"#.utf8)
  }

  private func put(_ json: [UInt8], as number: Int64, into node: MemoryNode) {
    node.state.withLock { state in
      state.logs[log, default: MemoryNode.Log()].received.insert(number)
      state.logs[log]?.actions[number] = json
    }
  }

  @Test("comparing tells each by both digests, whatever pages the two make, and what else is on its way gets there")
  func compare() async throws {
    let (first, second) = (MemoryNode(seed: 1), MemoryNode(seed: 2))
    for number in Int64(1)...60 {
      let json = Self.item(number, #"{"event":"E","n":\#(number)}"#)
      if number != 50 { put(json, as: number, into: first) }
      put(json, as: number, into: second)
    }
    // Another time to live, and a link of its own, is no other action.
    put(
      Array(#"{"sequence":9,"queue":"q","href":"/x","ttl":1,"body":{"event":"E","n":9}}"#.utf8), as: 9, into: second)
    put(Self.item(7, #"{"event":"E","n": 7}"#), as: 7, into: second)
    put(Self.item(40, queue: "r", #"{"event":"E","n":40}"#), as: 40, into: second)
    // Gone on one side: nothing to compare.
    first.state.withLock { $0.logs[log]?.actions[20] = nil }
    var run = SyncRun(first: first, second: second, mode: .pushpull, project: "p")
    #expect(try await run.run { _ in }, "nothing is looked at that is not lacking")
    first.state.withLock { _ = $0.logs[log]?.actions.removeValue(forKey: 50) }
    run.compares = true
    var told: [SyncEvent] = []
    #expect(try await !run.run { told.append($0) })
    #expect(
      told.map(\.text) == ["/w 1: 58 compared, 2 in conflict: other content under the same number (7,40)"])
    // printf '{"event":"E","n":7}' | sha256sum
    #expect(
      told.map(\.json.text) == [
        #"{"project":"p","source":"/w","log":"1","compared":58,"conflictCount":2,"conflicts":["#
          + #"{"sequence":7,"first":"sha256:e483aa69ae4ae535bf7d892163d8680f07edb338e840a11aa62d1384e0140f77","#
          + #""second":"sha256:d98329663008f6a8120717621f43b04015ea0b4a2d3a0c63a198f93a34ef317f"},"#
          + #"{"sequence":40,"first":"sha256:8e38fea11bff4f122d1dfbe8140d2f8a5ac64f07328b2dff4a03a95410562ae0","#
          + #""second":"sha256:8e38fea11bff4f122d1dfbe8140d2f8a5ac64f07328b2dff4a03a95410562ae0","queues":["q","r"]}]}"#
      ])
  }

  @Test("more of them than are told one by one are counted, and a node that fails is told")
  func many() async throws {
    let (first, second) = (MemoryNode(seed: 3), MemoryNode(seed: 4))
    for number in Int64(1)...150 {
      put(Self.item(number, "1"), as: number, into: first)
      put(Self.item(number, "2"), as: number, into: second)
    }
    var run = SyncRun(first: first, second: second, mode: .none, project: "p")
    run.compares = true
    var told: [SyncComparison] = []
    func tell(_ event: SyncEvent) { if case .compared(let comparison) = event { told.append(comparison) } }
    #expect(try await !run.run(tell))
    #expect(told.map(\.conflictCount) == [150] && told.map(\.conflicts.count) == [SyncComparison.conflictsMax])
    #expect(told.first.map { SyncEvent.compared($0).text }?.hasSuffix("same number (1-100, …)") == true)
    let comparison = await SyncRun(first: first, second: Unreadable(), project: "p")
      .compare(log, (SyncState(received: SequenceRanges(1...9)), SyncState(received: SequenceRanges(1...9))))
    #expect(comparison?.fault == "cannot be read" && comparison?.isWhole == false)
  }

  private struct Unreadable: SyncNode {
    func logs(of project: String) async throws(SyncFault) -> [SyncLog] { [] }
    func state(of log: SyncLog) async throws(SyncFault) -> SyncState? { nil }
    func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage {
      throw SyncFault("cannot be read")
    }
    func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer { SyncAnswer() }
    func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool { false }
  }

  @Test("what the other side refuses because the number is another action's is told with its number and both digests")
  func refused() {
    let conflict = SyncConflict(sequence: 5, first: "sha256:a", second: nil)
    let refusal = SyncAnswer.Refusal(sequence: 5, status: 409, detail: "another", conflict: conflict)
    var transfer = SyncTransfer(log: log, direction: .push, wanted: SequenceRanges(5...5))
    transfer.take(SyncAnswer(refused: [refusal]))
    #expect(!SyncEvent.transferred(transfer).isWhole)
    #expect(SyncEvent.transferred(transfer).text == "/w 1: push 0 sent, 1 refused (5: another)")
    #expect(
      SyncEvent.transferred(transfer).json.text.hasSuffix(
        #""refused":[{"sequence":5,"status":409,"detail":"another","sent":"sha256:a","stored":null}]}"#))
  }
}
