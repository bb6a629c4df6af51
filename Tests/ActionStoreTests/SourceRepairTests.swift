import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("Numbered actions of a store that is killed and damaged")
struct SourceRepairTests {
  /// A topic of two partitions, as a source with a spool fills it: some records come again.
  private struct Topic {
    var partitions: [[Int64]] = [[], []]

    init(numbers: Int64, using random: inout SeededGenerator) {
      for number in 1...numbers {
        let partition = Int(number % 3 == 0 ? 1 : 0)
        partitions[partition].append(number)
        if Int.random(in: 0..<4, using: &random) == 0, let again = partitions[partition].randomElement(using: &random) {
          partitions[partition].append(again)
        }
      }
    }
  }

  private func fingerprint(_ partition: Int, _ offset: Int) -> RecordFingerprint {
    RecordFingerprint(value: UInt32(partition * 100_000 + offset + 1))
  }

  private func contents(_ number: Int64) -> RecordContents {
    Array(String(number).utf8).withUnsafeBytes { RecordContents(key: $0, value: $0) }
  }

  private func origin(_ number: Int64) throws -> ActionOrigin {
    try Array("/w".utf8).withUnsafeBytes { source in
      try Array("1".utf8).withUnsafeBytes { log in
        try Array(String(number).utf8).withUnsafeBytes { try ActionOrigin(source: source, log: log, sequence: $0) }
      }
    }
  }

  /// Reads on where the store stands, as ingest does.
  private func ingest(_ topic: Topic, into store: ActionStore, recordsMax: Int) throws {
    var intake = store.beginIntake()
    var taken: [(partition: Int, offset: Int, verdict: SourceIntake.Verdict)] = []
    for (partition, numbers) in topic.partitions.enumerated() {
      let next = Int(store.nextOffset(of: Int32(partition)) ?? 0)
      for offset in next..<min(numbers.count, next + recordsMax) {
        let origin = try origin(numbers[offset])
        let verdict = intake.judge(
          origin, project: "p", contents: contents(numbers[offset]), partition: Int32(partition),
          offset: Int64(offset))
        taken.append((partition, offset, verdict))
      }
    }
    guard !taken.isEmpty else { return }
    _ = try store.append { batch in
      for item in taken {
        let number = topic.partitions[item.partition][item.offset]
        if item.verdict == .new {
          Draft(
            queue: "p/q\(item.partition)", partition: Int32(item.partition), offset: Int64(item.offset),
            event: "N\(number)"
          ).add(to: batch)
        } else {
          #expect(item.verdict == .duplicate)
          Array("p/q\(item.partition)".utf8).withUnsafeBytes {
            batch.skipDuplicate(partition: Int32(item.partition), offset: Int64(item.offset), key: $0)
          }
        }
        batch.remember(
          fingerprint(item.partition, item.offset), at: Int64(item.offset), of: Int32(item.partition))
      }
      batch.receive(intake)
    }
  }

  private func damage(_ fixture: StoreFixture, using random: inout SeededGenerator) throws {
    guard let file = try fixture.directory.files(withSuffix: ".segment").randomElement(using: &random) else { return }
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    let length = Int(try handle.seekToEnd())
    // Beyond the header: a version number of a later time would be refused.
    let position = UInt64(Int.random(in: min(length - 1, 100)..<length, using: &random))
    try handle.seek(toOffset: position)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: position)
    try handle.write(contentsOf: [byte ^ 0x10])
    try handle.close()
  }

  @Test("has each of them once, and none is dropped for a memory of what was set aside", arguments: 0..<40)
  func schedule(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let topic = Topic(numbers: 90, using: &random)
    let fixture = try StoreFixture(segmentBytesMax: 1_500)
    var store = try fixture.open()
    for _ in 0..<60 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5: try ingest(topic, into: store, recordsMax: Int.random(in: 1...6, using: &random))
      case 5: try store.maintain()
      case 6:
        store.abandon()
        store = try fixture.open()
      case 7:
        try store.close()
        store = try fixture.open()
      case 8:
        // While it runs, and perhaps in the middle of reading again what was damaged before.
        try damage(fixture, using: &random)
        store.verify { _ in true }
        try store.repair()
      default:
        try damage(fixture, using: &random)
        store.abandon()
        store = try fixture.open()
        store.verify { _ in true }
        try store.repair()
      }
    }
    // What is damaged and was not looked at comes to light now at the latest.
    try store.close()
    store = try fixture.open()
    store.verify { _ in true }
    try store.repair()
    for _ in 0..<100 { try ingest(topic, into: store, recordsMax: 3) }
    var found: [String: Int] = [:]
    for queue in ["p/q0", "p/q1"] {
      for action in store.all(try .test(queue)) { found[action.text, default: 0] += 1 }
    }
    for (partition, numbers) in topic.partitions.enumerated() {
      for number in Set(numbers) {
        let count = found.filter { $0.key.hasPrefix("{\"event\":\"N\(number)\"") }.values.reduce(0, +)
        #expect(count == 1, "number \(number) of partition \(partition)")
      }
      #expect(
        store.standings[Int32(partition)]
          == Standing(next: Int64(numbers.count), lastRecord: fingerprint(partition, numbers.count - 1)))
    }
    #expect(store.sourceLog(SourceLogKey(project: "p", source: "/w", log: "1"))?.received.description == "1-90")
    for name in ["p/q0", "p/q1"] {
      let queue = try QueueAddress.test(name)
      let counts = try #require(store.statistics(of: queue))
      #expect(
        counts.isBalanced, "\(counts.received) received, \(counts.live) live, \(counts.expired) expired")
    }
  }
}
