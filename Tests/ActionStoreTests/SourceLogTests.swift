import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("What came of a source's log")
struct SourceLogTests {
  let key = SourceLogKey(project: "p", source: "/w", log: "1")

  private func origin(_ number: Int64, log: String = "1") throws -> ActionOrigin {
    try Array("/w".utf8).withUnsafeBytes { source in
      try Array(log.utf8).withUnsafeBytes { log in
        try Array(String(number).utf8).withUnsafeBytes { try ActionOrigin(source: source, log: log, sequence: $0) }
      }
    }
  }

  private func contents(_ text: String) -> RecordContents {
    Array(text.utf8).withUnsafeBytes { RecordContents(key: UnsafeRawBufferPointer(rebasing: $0[..<0]), value: $0) }
  }

  /// Stores a batch of numbered actions as ingest would, and returns what was said of each.
  @discardableResult
  private func append(
    _ numbers: [Int64], from offset: Int64, to store: ActionStore, text: String? = nil
  ) throws -> [SourceIntake.Verdict] {
    var intake = store.beginIntake()
    let verdicts = try numbers.enumerated().map { index, number in
      intake.judge(
        try origin(number), project: "p", contents: contents(text ?? "\(number)"), partition: 0,
        offset: offset + Int64(index))
    }
    _ = try store.append { batch in
      for (index, verdict) in verdicts.enumerated() {
        let place = offset + Int64(index)
        if verdict == .new {
          Draft(offset: place).add(to: batch)
        } else {
          Array("p/q".utf8).withUnsafeBytes { batch.skipDuplicate(partition: 0, offset: place, key: $0) }
        }
      }
      batch.receive(intake)
    }
    return verdicts
  }

  @Test("agrees with a plain set of numbers, in whatever order they come, and keeps since when each is missing")
  func model() throws {
    let seed = UInt64.random(in: 0...UInt64(UInt32.max))
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var log = SourceLog(now: 0)
      var model: Set<Int64> = []
      var since: [Int64: Int64] = [:]
      for now in Int64(1)...60 {
        let first = Int64.random(in: 1...80, using: &random)
        let last = Bool.random(using: &random) ? first : Int64.random(in: first...90, using: &random)
        let highest = model.max() ?? 0
        log.receive(SequenceRanges(first...last), now: now)
        model.formUnion(first...last)
        if first > highest { for number in (highest + 1)..<first { since[number] = now } }
        let missing = Set(1...(model.max() ?? 1)).subtracting(model)
        try #require(log.received.ranges.flatMap { $0 } == model.sorted(), "seed \(seed)")
        try #require(log.gaps.flatMap { $0.numbers } == missing.sorted(), "seed \(seed)")
        for gap in log.gaps {
          for number in gap.numbers { try #require(since[number] == gap.sinceMilliseconds, "seed \(seed)") }
        }
        try #require(log.missingCount == Int64(missing.count) && log.receivedCount == Int64(model.count))
      }
    }
  }

  @Test("a jump by 2^40 costs one gap; the highest number there is is no special case")
  func jumps() {
    var log = SourceLog(now: 0)
    log.receive(SequenceRanges(1...1), now: 0)
    log.receive(SequenceRanges((1 << 40)...(1 << 40)), now: 5)
    #expect(log.gaps == [.init(numbers: 2...((1 << 40) - 1), sinceMilliseconds: 5)])
    log.receive(SequenceRanges(Int64.max...Int64.max), now: 6)
    #expect(log.gaps.count == 2 && log.highest == .max && log.missingCount == .max - 3)
    log.receive(SequenceRanges(1...Int64.max), now: 7)
    #expect(log.gaps.isEmpty)
  }

  @Test("gaps beyond their bound are given up from below and counted; what comes of them is taken, the latest known")
  func bound() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let numbers = (1...Int64(SourceLog.gapsMax + 5)).map { $0 * 3 }
    try append(numbers, from: 0, to: store)
    var offset = Int64(numbers.count)
    let log = try #require(store.sourceLog(key))
    #expect(log.gaps.count == SourceLog.gapsMax && log.forgotten == 10 && log.forgottenBelow == 15)
    #expect(log.receivedCount == Int64(numbers.count))
    #expect(
      try append([1, 14, 14, 3, 16, 18], from: offset, to: store) == [.new, .new, .duplicate, .new, .new, .duplicate])
    offset += 6
    #expect(try append([14], from: offset, to: store) == [.duplicate])
    #expect(try append([14], from: offset + 1, to: store, text: "other") == [.conflict])
  }

  @Test("a node that catches up one partition after another gives nothing up, and takes each number once")
  func catchingUp() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let numbers = Int64(1)...12_000
    let odd = numbers.filter { $0 % 2 == 1 }
    let even = numbers.filter { $0 % 2 == 0 }
    for (offset, part) in [(0, odd[...]), (6_000, even[..<3_000]), (9_000, even[3_000...]), (12_000, even[...])] {
      let isAgain = offset == 12_000
      #expect(Set(try append(Array(part), from: Int64(offset), to: store)) == [isAgain ? .duplicate : .new])
    }
    let log = try #require(store.sourceLog(key))
    #expect(log.received == SequenceRanges(numbers) && log.gaps.isEmpty && log.forgottenBelow == 1)
    #expect(store.statistics(of: try .test("p/q"))?.received == 12_000)
  }

  @Test("all logs together keep a bounded number of gaps: the one with most of them gives up half")
  func boundOfAll() throws {
    let ledger = SourceLedger()
    let logs = SourceLedger.gapsMax / SourceLog.gapsMax + 1
    for number in 0..<logs {
      var log = SourceLog(now: 0)
      var numbers = SequenceRanges()
      for gap in 1...Int64(SourceLog.gapsMax) { numbers.insert(gap * 2) }
      log.receive(numbers, now: 0)
      ledger.install([SourceLogKey(project: "p", source: "/w", log: String(number)): log])
    }
    let kept = ledger.logs(of: "p").map(\.log)
    #expect(kept.reduce(0) { $0 + $1.gaps.count } == SourceLedger.gapsMax)
    #expect(kept.filter { $0.forgotten > 0 }.count == 2)
  }

  @Test("logs are listed by project in order, whatever came, went and came again")
  func listing() {
    let seed = UInt64.random(in: 0...UInt64(UInt32.max))
    var random = SeededGenerator(seed: seed)
    let ledger = SourceLedger()
    var model: Set<SourceLogKey> = []
    for number in 0..<300 {
      let key = SourceLogKey(
        project: "p\(Int.random(in: 0...2, using: &random))", source: "/\(Int.random(in: 0...9, using: &random))",
        log: "\(Int.random(in: 0...9, using: &random))")
      var log = SourceLog(now: Int64(number))
      log.receive(SequenceRanges(1...1), now: Int64(number))
      ledger.install([key: log])
      model.insert(key)
      let ordered = model.filter { $0.project == key.project }.sorted()
      #expect(ledger.logs(of: key.project).map(\.key) == ordered, "seed \(seed)")
      let limit = Int.random(in: 1...5, using: &random)
      let after = ordered.filter { $0 > key }.prefix(limit)
      let ofSource = ordered.filter { $0.source == key.source }
      #expect(ledger.logs(of: key.project, source: key.source).map(\.key) == ofSource, "seed \(seed)")
      #expect(ledger.logs(of: key.project, source: "/5~").isEmpty)
      #expect(ledger.logs(of: key.project, after: key, limit: limit).map(\.key) == Array(after), "seed \(seed)")
    }
    let stranger = SourceLogKey(project: "p1", source: "/45", log: "")
    #expect(
      ledger.logs(of: "p1", after: stranger).map(\.key) == model.filter { $0.project == "p1" && $0 > stranger }.sorted()
    )
    #expect(ledger.logs(of: "nobody").isEmpty)
  }

  @Test("the logs silent longest go when there are too many, from the list too")
  func silent() {
    let ledger = SourceLedger()
    for number in 0...SourceLedger.logsMax {
      var log = SourceLog(now: Int64(number))
      log.receive(SequenceRanges(1...1), now: Int64(number))
      ledger.install([SourceLogKey(project: "p", source: "/w", log: String(number + 100_000)): log])
    }
    let names = ledger.logs(of: "p").map(\.key.log)
    #expect(names.count == SourceLedger.logsMax - SourceLedger.logsMax / 100)
    #expect(names.first == String(100_000 + SourceLedger.logsMax / 100 + 1) && names == names.sorted())
  }

  @Test("a number comes once: again it is a duplicate, with other content a conflict, within a batch and later")
  func repeated() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect(try append([1, 2, 2, 4], from: 0, to: store) == [.new, .new, .duplicate, .new])
    #expect(try append([1, 4, 3], from: 4, to: store) == [.duplicate, .duplicate, .new])
    #expect(try append([3], from: 7, to: store, text: "other") == [.conflict])
    let log = try #require(store.sourceLog(key))
    #expect(log.received.description == "1-4" && log.duplicates == 3)
    #expect(store.positions(try .test("p/q")).map(\.offset) == [0, 1, 3, 6])
    let statistics = try #require(store.statistics(of: try .test("p/q")))
    #expect(statistics.received == 4 && statistics.duplicates == 4 && statistics.isBalanced)
    #expect(store.nextOffset(of: 0) == 8)
  }

  @Test("what is known survives kills between and after checkpoints, with the offsets it reflects")
  func recovers() throws {
    let fixture = try StoreFixture(segmentBytesMax: 2_000)
    var store = try fixture.open()
    var offset: Int64 = 0
    for round in 0..<12 {
      let numbers = [Int64(round * 4 + 1), Int64(round * 4 + 3)]
      try append(numbers, from: offset, to: store)
      offset += 2
      fixture.clock.advance(seconds: 1)
      let before = try #require(store.sourceLog(key))
      if round % 3 == 1 { try store.maintain() }
      if round % 4 == 3 { try store.close() } else { store.abandon() }
      store = try fixture.open()
      let after = try #require(store.sourceLog(key))
      #expect(after.received == before.received && after.gaps == before.gaps, "round \(round)")
      #expect(after.lastSeenMilliseconds == before.lastSeenMilliseconds)
      #expect(try append([numbers[0]], from: offset, to: store) == [.duplicate])
      offset += 1
    }
  }

  @Test("a batch that could not be stored has received nothing, and is received when it is given again")
  func failedBatch() throws {
    var fixture = try StoreFixture(segmentBytesMax: 2_000)
    fixture.configuration.budgetBytes = 3_000
    let store = try fixture.open()
    var offset: Int64 = 0
    while (try? append([offset + 1], from: offset, to: store)) != nil { offset += 1 }
    #expect(store.sourceLog(key)?.highest == offset)
    fixture.clock.advance(seconds: 1_000)
    try store.maintain()
    #expect(try append([offset + 1], from: offset, to: store) == [.new])
    #expect(store.sourceLog(key)?.received == SequenceRanges(1...(offset + 1)))
  }

  @Test("what a damaged store reads again from the topic is taken, and nothing twice")
  func damaged() throws {
    let fixture = try StoreFixture(segmentBytesMax: 2_000)
    var store = try fixture.open()
    for offset in Int64(0)..<40 { try append([offset + 1], from: offset, to: store) }
    // A record published twice, after the ones that are going to be lost.
    try append([5], from: 40, to: store)
    try store.maintain()
    store.abandon()
    let segments = try fixture.directory.files(withSuffix: ".segment")
    let path = segments[segments.count / 2]
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count / 2] ^= 0xFF
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    store = try fixture.open()
    // Found before a reader gets it, while the store runs.
    store.verify { _ in true }
    #expect(store.isDamaged && store.nextOffset(of: 0) == 41)
    #expect(throws: StoreError.self) { try append([42], from: 41, to: store) }
    try store.repair()
    let next = try #require(store.nextOffset(of: 0))
    try #require(next > 0 && next < 40)
    // Half of it before another kill.
    let half = (next + 40) / 2
    for offset in next..<half { #expect(try append([offset + 1], from: offset, to: store) == [.new]) }
    try store.maintain()
    store.abandon()
    store = try fixture.open()
    for offset in half..<40 { #expect(try append([offset + 1], from: offset, to: store) == [.new], "\(offset)") }
    #expect(store.positions(try .test("p/q")).map(\.offset) == Array(0..<40))
    try append([41, 42], from: 41, to: store)
    #expect(try append([20, 42], from: 43, to: store) == [.duplicate, .duplicate])
    #expect(store.sourceLog(key)?.received.description == "1-42")
  }
}
