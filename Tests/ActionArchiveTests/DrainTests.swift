import Kafka
import Testing

@testable import ActionArchive

@Suite("Draining a topic once", .serialized)
struct DrainTests {
  @Test("makes lines with everything a record says, the body byte for byte")
  func lines() async throws {
    let fixture = try ArchiveFixture()
    let time = ArchiveFixture.time(milliseconds: 7)
    try await fixture.send(
      "{ \"event\":\"Own\" , \"details\":{\"ü\":1} }",
      headers: [
        KafkaHeader("ce_id", "id-1"), KafkaHeader("ttl", "60"), KafkaHeader(key: "b", value: [0xFF, 0]),
        KafkaHeader("x", "1"), KafkaHeader(key: "x", value: nil),
      ], at: time)
    try await fixture.send("{\n\"event\":\"Broken\"\r\n}", at: time)
    let status = try await fixture.drain()
    #expect(status.actions == 2)
    let key =
      "topic=audit.actions/date=2025-11-21/hour=12/"
      + "audit.actions+0+00000000000000000000-00000000000000000001.ndjson.gz"
    #expect(fixture.store.lineKeys == [key])
    #expect(
      try fixture.store.lines(key) == [
        #"{"project":"p","queue":"q","partition":0,"offset":0,"id":"id-1","event":"Own","#
          + #""time":"2025-11-21T12:00:00.007Z","timeType":"CreateTime","ttl":60,"#
          + #""headers":{"ce_id":"id-1","ttl":"60","b":{"base64":"/wA="},"x":["1",null]},"#
          + #""body":{ "event":"Own" , "details":{"ü":1} }}"#,
        #"{"project":"p","queue":"q","partition":0,"offset":1,"event":"Broken","#
          + #""time":"2025-11-21T12:00:00.007Z","timeType":"CreateTime","headers":{},"#
          + #""body":{ "event":"Broken"  },"bodyBase64":"ewoiZXZlbnQiOiJCcm9rZW4iDQp9"}"#,
      ])
    await fixture.end()
  }

  @Test("cuts by count, by size and at the hour, and goes on where it ended")
  func cuts() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.sendNumbered(0..<10)
    try await fixture.sendNumbered(10..<12, from: ArchiveFixture.time(1))
    try await fixture.drain { $0.limits.recordsMax = 4 }
    #expect(fixture.store.lineKeys.map { ObjectName($0)?.last } == [3, 7, 9, 11])
    #expect(fixture.store.lineKeys.map { ObjectName($0)?.hour } == ["12", "12", "12", "13"])
    try await fixture.sendNumbered(12..<14, from: ArchiveFixture.time(1))
    try await fixture.drain { $0.limits.bytesMax = 1 }
    #expect(fixture.store.lineKeys.map { ObjectName($0)?.last } == [3, 7, 9, 11, 12, 13])
    let manifests = try fixture.store.manifests
    #expect(manifests.map(\.sequence) == Array(0..<Int64(manifests.count)))
    #expect(manifests.first?.statement == "10 actions")
    await fixture.end()
  }

  @Test("states what breaks the contract, and what the topic has no record of")
  func statements() async throws {
    let fixture = try ArchiveFixture()
    try await fixture.send("{\"event\":\"A\"}")
    try await fixture.send("no JSON")
    try await fixture.send(nil)
    let status = try await fixture.drain()
    #expect(status.rejected == 2)
    let lines = try fixture.store.lines(try #require(fixture.store.lineKeys.first))
    #expect(lines.count == 3)
    #expect(lines[1].hasPrefix(#"{"rejected":"invalid_json","detail":"#))
    #expect(lines[1].contains(#""offset":1"#))
    #expect(
      lines[1].hasSuffix(#""keyBase64":"cC9x","keyBytes":3,"headers":{},"valueBase64":"bm8gSlNPTg==","valueBytes":7}"#))
    #expect(lines[2].hasPrefix(#"{"rejected":"tombstone""#))
    await fixture.end()
  }

  @Test("an archive made twice is the same, byte for byte", arguments: ArchiveCompression.allCases)
  func repeatable(compression: ArchiveCompression) async throws {
    let fixture = try ArchiveFixture(partitions: 2)
    try await fixture.sendNumbered(0..<500)
    try await fixture.sendNumbered(500..<1_000, partition: 1, from: ArchiveFixture.time(2))
    let (first, second) = (MemoryStore(), MemoryStore())
    for (store, records) in [(first, 2_000), (second, 7)] {
      try await fixture.drain(into: store) {
        $0.layout.compression = compression
        $0.limits.recordsMax = 120
        $0.pollRecordsMax = records
      }
    }
    #expect(first.lineKeys.count == 10)
    #expect(first.differences(from: second) == [])
    await fixture.end()
  }
}
