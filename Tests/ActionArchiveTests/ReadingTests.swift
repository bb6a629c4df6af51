import Kafka
import Testing

@testable import ActionArchive

@Suite("Reading an archive back", .serialized)
struct ReadingTests {
  private func lines(_ store: MemoryStore, _ selection: ArchiveSelection) async throws -> [String] {
    var lines: [String] = []
    try await ArchiveReader(store: store).lines(selection) { _, bytes in
      lines.append(String(decoding: bytes, as: UTF8.self))
    }
    return lines
  }

  private func selection(_ change: (inout ArchiveSelection) -> Void) -> ArchiveSelection {
    var selection = ArchiveSelection(topic: ArchiveFixture.topic)
    change(&selection)
    return selection
  }

  @Test("finds actions by queue, event, time and offset", arguments: [false, true])
  func selections(byProject: Bool) async throws {
    let fixture = try ArchiveFixture(partitions: 2)
    for (index, hour) in [0, 0, 1, 2, 2].enumerated() {
      try await fixture.send(
        "{\"event\":\"E\(index % 2)\"}", key: "p\(index % 2)/q\(index % 3)", at: ArchiveFixture.time(Int64(hour)))
    }
    try await fixture.send("no JSON", partition: 1)
    let status = try await fixture.drain {
      $0.layout.byProject = byProject
      $0.limits.recordsMax = 2
    }
    #expect(status.actions == 5)
    let store = fixture.store
    #expect(try await lines(store, selection { _ in }).count == 6)
    #expect(try await lines(store, selection { $0.project = "p1" }).count == 2)
    #expect(try await lines(store, selection { $0.queue = "q0" }).count == 2)
    #expect(try await lines(store, selection { $0.events = ["E1", "E7"] }).count == 2)
    #expect(try await lines(store, selection { $0.partition = 1 }).count == 1)
    #expect(try await lines(store, selection { $0.offsets = 1...2 }).count == 2)
    #expect(try await lines(store, selection { $0.fromMilliseconds = ArchiveFixture.time(1) }).count == 3)
    #expect(try await lines(store, selection { $0.toMilliseconds = ArchiveFixture.time(1) }).count == 3)
    #expect(try await lines(store, selection { $0.fromMilliseconds = ArchiveFixture.time(100) }).count == 0)
    let none = await #expect(throws: ArchiveError.self) { try await lines(store, selection { $0.topic = "other" }) }
    #expect(none?.detail == "there is no archive of topic 'other' at memory:; there is one of 'audit.actions'")
    let projects = Set(store.lineKeys.map { ObjectName($0)?.project })
    #expect(projects == (byProject ? ["p0", "p1", nil] : [nil]))
    var verification = ArchiveVerification(store: store, keys: [], onFinding: { Issue.record("\($0)") })
    #expect(try await verification.run().actions == 5)
    await fixture.end()
  }

  @Test("gives a body as it was sent, and says why there is none")
  func bodies() async throws {
    let fixture = try ArchiveFixture()
    let body = "{\n  \"event\":\"A\",\r\n  \"details\":{\"ü\":\"\\u0000\"}\n}"
    try await fixture.send(body)
    try await fixture.send("no JSON")
    try await fixture.send(" {\"event\":\"B\"}\t")
    try await fixture.drain()
    let reader = ArchiveReader(store: fixture.store)
    #expect(try await reader.body(topic: ArchiveFixture.topic, partition: 0, offset: 0) == Array(body.utf8))
    let padded = try await reader.body(topic: ArchiveFixture.topic, partition: 0, offset: 2)
    #expect(padded == Array(" {\"event\":\"B\"}\t".utf8))
    for (offset, reason) in [(Int64(1), "broke the contract"), (3, "does not say anything")] {
      let error = await #expect(throws: ArchiveError.self) {
        try await reader.body(topic: ArchiveFixture.topic, partition: 0, offset: offset)
      }
      #expect(error?.detail.contains(reason) == true)
    }
    await fixture.end()
  }

  @Test("lines are divided the same way however the bytes come, and a line without end is refused")
  func splitting() throws {
    let text = Array("a\n\nbcd\ne".utf8)
    for size in 1...text.count {
      var splitter = LineSplitter()
      var found: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        try Array(text[start..<min(start + size, text.count)]).withUnsafeBytes { chunk in
          try splitter.take(chunk) { found.append(String(decoding: $0, as: UTF8.self)) }
        }
      }
      #expect(found == ["a", "", "bcd"])
      #expect(!splitter.isAtLineStart)
    }
    var splitter = LineSplitter()
    let block = [UInt8](repeating: 0x61, count: 1 << 20)
    #expect(throws: ArchiveError.self) {
      for _ in 0..<65 { try block.withUnsafeBytes { try splitter.take($0) { _ in } } }
    }
  }
}
