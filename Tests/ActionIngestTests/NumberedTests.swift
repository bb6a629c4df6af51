import ActionStore
import AuditActions
import Kafka
import Testing

@testable import ActionIngest

@Suite("Ingest of numbered actions")
struct NumberedTests {
  private func headers(_ sequence: String?, source: String? = "/w", log: String = "1") -> [KafkaHeader] {
    [KafkaHeader("ce_logid", log)]
      + [("ce_source", source), ("ce_sequence", sequence)].compactMap { name, value in
        value.map { KafkaHeader(name, $0) }
      }
  }

  @Test("takes each number once, in any order, and says what is missing")
  func numbers() async throws {
    let fixture = try IngestFixture(partitions: 1)
    let queue = try QueueAddress(project: "p", queue: "q")
    let key = SourceLogKey(project: "p", source: "/w", log: "1")
    for sequence in [1, 2, 5, 2, 4, 5, 5, 9] {
      _ = try await fixture.send("{\"event\":\"N\(sequence)\"}", headers: headers(String(sequence)))
    }
    _ = try await fixture.send("{\"event\":\"Unnumbered\"}", headers: [KafkaHeader("ce_sequence", "not a number")])
    let expected = [1, 2, 5, 4, 9].map { "{\"event\":\"N\($0)\"}" } + ["{\"event\":\"Unnumbered\"}"]
    for _ in 0..<2 {
      let store = try fixture.openStore()
      try await fixture.running(store) { ingest in
        try await eventually("all actions") { store.nextOffset(of: 0) == 9 }
        #expect(store.bodies(queue) == expected)
        #expect(store.sourceLog(key)?.received.description == "1-2,4-5,9")
        #expect(store.sourceLog(key)?.gaps.map(\.numbers) == [3...3, 6...8])
        #expect(store.statistics(of: queue)?.duplicates == 3)
        #expect(store.balance().unbalancedQueues == 0)
      }
      try store.close()
    }
    await fixture.end()
  }

  @Test(
    "sends to the dead letters what is numbered wrongly, with the reason, and counts the number of what is else wrong")
  func refused() async throws {
    let fixture = try IngestFixture(partitions: 1)
    let queue = try QueueAddress(project: "p", queue: "q")
    let wrong: [(headers: [KafkaHeader], body: String, reason: String)] = [
      (headers("0"), "{\"event\":\"X\"}", "invalid_sequence"), (headers("-1"), "{\"event\":\"X\"}", "invalid_sequence"),
      (headers("x"), "{\"event\":\"X\"}", "invalid_sequence"), (headers(nil), "{\"event\":\"X\"}", "invalid_sequence"),
      (headers("9223372036854775808"), "{\"event\":\"X\"}", "invalid_sequence"),
      (headers("1", source: nil), "{\"event\":\"X\"}", "invalid_source"),
      (headers("1", source: "a b"), "{\"event\":\"X\"}", "invalid_source"),
      // Canonically equal, and not the same bytes.
      (headers("1", source: "caf\u{E9}"), "{\"event\":\"X\"}", "invalid_source"),
      (headers("1", source: "cafe\u{301}"), "{\"event\":\"X\"}", "invalid_source"),
      (headers("1", source: ".."), "{\"event\":\"X\"}", "invalid_source"),
      (headers("1", log: ""), "{\"event\":\"X\"}", "invalid_log"),
      (headers("1", log: "a/b"), "{\"event\":\"X\"}", "invalid_log"),
      (headers("2"), "no JSON", "invalid_json"),
      (headers("1"), "{\"event\":\"Another\"}", "sequence_conflict"),
    ]
    _ = try await fixture.send("{\"event\":\"First\"}", headers: headers("1"))
    for item in wrong { _ = try await fixture.send(item.body, headers: item.headers) }
    _ = try await fixture.send("{\"event\":\"Far\"}", headers: headers(String(1 << 40)))
    let store = try fixture.openStore()
    try await fixture.running(store) { ingest in
      try await eventually("all records") { store.nextOffset(of: 0) == Int64(wrong.count + 2) }
      #expect(store.bodies(queue) == ["{\"event\":\"First\"}", "{\"event\":\"Far\"}"])
      let log = store.sourceLog(SourceLogKey(project: "p", source: "/w", log: "1"))
      #expect(log?.received.description == "1-2,\(1 << 40)")
      var reasons: [String: UInt64] = [:]
      for item in wrong { reasons[item.reason, default: 0] += 1 }
      #expect(store.status().rejected == reasons)
      #expect(ingest.status.rejected == UInt64(wrong.count))
    }
    try store.close()
    await fixture.end()
  }
}
