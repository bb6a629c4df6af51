import Testing

@testable import ActionArchive

@Suite("Where objects and periods end")
struct CutRuleTests {
  let rule = PeriodRule(length: .hour, latenessMilliseconds: 120_000)
  static let hour: Int64 = 3_600_000

  private func period(_ time: Int64?, broker: Bool = true, current: Int64?, now: Int64 = 1_000 * hour) -> Int64 {
    rule.period(of: time, isBrokersClock: broker, current: current, nowMilliseconds: now)
  }

  @Test("a period goes forward with the records' time, and never back")
  func forward() {
    #expect(period(5 * Self.hour, current: nil) == 5)
    #expect(period(6 * Self.hour - 1, current: 5) == 5)
    #expect(period(6 * Self.hour, current: 5) == 6)
    #expect(period(2 * Self.hour, current: 5) == 5)
    #expect(period(nil, current: 5) == 5)
  }

  @Test("a producer's clock does not open periods that have not begun; the broker's may")
  func future() {
    #expect(period(2_000 * Self.hour, broker: false, current: 5) == 1_000)
    #expect(period(1_001 * Self.hour, broker: false, current: 5, now: 1_001 * Self.hour - 120_000) == 1_001)
    #expect(period(1_001 * Self.hour, broker: false, current: 5, now: 1_001 * Self.hour - 120_001) == 1_000)
    #expect(period(2_000 * Self.hour, current: 5) == 2_000)
  }

  @Test("times that no period has count as now", arguments: [nil, -1, Int64.min, Int64.max, 253_402_300_800_000])
  func noTime(_ time: Int64?) {
    #expect(period(time, current: nil) == 1_000)
    #expect(period(time, current: 7) == 7)
    #expect(rule.period(of: time, isBrokersClock: false, current: nil, nowMilliseconds: .max) > 0)
    #expect(rule.period(of: time, isBrokersClock: false, current: nil, nowMilliseconds: .min) == 0)
  }

  @Test("a cut ends by count, by bytes, and by projects where each has its own object")
  func limits() {
    var limits = CutLimits()
    (limits.recordsMax, limits.bytesMax, limits.projectsMax) = (3, 100, 2)
    let begins = { (fill: CutFill, bytes: Int, project: String?) in
      limits.beginsNewCut(lineBytes: bytes, project: project, after: fill)
    }
    #expect(!begins(CutFill(), 1_000, "a"))
    #expect(!begins(CutFill(records: 2, bytes: 50), 50, nil))
    #expect(begins(CutFill(records: 2, bytes: 50), 51, nil))
    #expect(begins(CutFill(records: 3, bytes: 50), 1, nil))
    #expect(!begins(CutFill(records: 2, bytes: 2, projects: ["a", "b"]), 1, "a"))
    #expect(begins(CutFill(records: 2, bytes: 2, projects: ["a", "b"]), 1, "c"))
  }

  @Test("periods divide a day", arguments: [0, -1, 7, 86_401, Int64.max])
  func lengths(seconds: Int64) {
    #expect(throws: ArchiveError.self) { try PeriodLength(seconds: seconds) }
  }

  @Test(
    "times are written and read",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_123, "2000-02-29T00:00:00.123Z"),
      (1_763_726_400_007, "2025-11-21T12:00:00.007Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func times(milliseconds: Int64, text: String) {
    #expect(ArchiveTime.text(milliseconds) == text)
    #expect(ArchiveTime.milliseconds(text) == milliseconds)
  }

  @Test(
    "what is no time is none",
    arguments: [
      "", "2025-11-21T12:00:00Z", "2025-02-30T12:00:00.000Z", "2025-11-21T24:00:00.000Z", "2025-11-21T12:00:00.00éZ",
      "2025-11-21 12:00:00.000Z", "ÿ025-11-21T12:00:00.000Z",
    ])
  func noTimes(text: String) { #expect(ArchiveTime.milliseconds(text) == nil) }
}

@Suite("Names in an archive")
struct ArchiveKeyTests {
  @Test("are read as they are written")
  func roundTrip() throws {
    let name = ObjectName(
      topic: "audit.actions", partition: 3, first: 12, last: 99, startMilliseconds: 1_763_726_400_000,
      compression: .zstd)
    #expect(
      name.text == "topic=audit.actions/date=2025-11-21/hour=12/"
        + "audit.actions+3+00000000000000000012-00000000000000000099.ndjson.zst")
    var byProject = name
    byProject.project = "a-b"
    for key in [
      ArchiveKey.object(name), .object(byProject), .manifest(topic: "t", partition: 0, sequence: 7),
      .signature(topic: "t", partition: 0, sequence: 7), .cut(topic: "t", partition: 12, first: 7),
    ] {
      #expect(ArchiveKey(key.text) == key)
    }
    #expect(
      ArchiveKey.cut(topic: "t", partition: 12, first: 7).text == "_cuts/topic=t/partition=12/00000000000000000007.json"
    )
  }

  @Test(
    "what is no name is none",
    arguments: [
      "", "/", "a/b", "_manifests/", "_manifests/topic=t/partition=0/7.json", "_cuts/topic=t/partition=-1/x.json",
      "_manifests/topic=t/partition=+0/000000000007.json", "_manifests/topic=t/partition=00/000000000007.json",
      "topic=t/date=2025-11-21/hour=12/t+0+00000000000000000012-00000000000000000009.ndjson.gz",
      "topic=t/date=2025-11-21/hour=12/u+0+00000000000000000012-00000000000000000019.ndjson.gz",
      "topic=t/date=2025-11-21/hour=12/t+0+99999999999999999999-99999999999999999999.ndjson.gz",
      "topic=t/date=2025-11-21/hour=12/t+0+00000000000000000012-00000000000000000019.ndjson.bz2",
    ])
  func strangers(text: String) { #expect(ArchiveKey(text) == nil) }
}
