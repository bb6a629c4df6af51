import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("What a queue keeps at most")
struct RetentionTests {
  let queue: QueueAddress

  init() throws { queue = try .test("p/q") }

  private func offsets(_ store: ActionStore, after marker: Marker? = nil) -> [Int64] {
    store.positions(queue, after: marker).map(\.offset)
  }

  private func over(_ count: UInt64, _ from: Int64, _ to: Int64) -> Gap {
    Gap(reason: .queueRetention, count: count, partition: 0, from: from, to: to)
  }

  @Test("is the newest by count, and the gap before them says how many went and why")
  func count() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    store.retain([queue: .init(count: 3)])
    try store.append((0..<3).map { Draft(offset: $0) })
    #expect(store.page(of: queue, after: nil, limit: 10).gaps.isEmpty)
    let early = try #require(store.page(of: queue, after: nil, limit: 10).actions.first)
    let first = store.page(of: queue, after: nil, limit: 1).marker
    try store.append((3..<10).map { Draft(offset: $0) })
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.map(\.position.offset) == [7, 8, 9])
    #expect(page.gaps == [over(7, 0, 6)])
    #expect(store.page(of: queue, after: first, limit: 10).gaps == [over(6, 1, 6)])
    #expect(store.page(of: queue, after: page.marker, limit: 10).gaps.isEmpty)
    #expect(store.action(at: early.position, in: queue) == nil)
    let strict = store.page(of: queue, after: first, limit: 10, stopsAtGaps: true)
    #expect(strict.actions.isEmpty && strict.gaps == [over(6, 1, 6)])
    #expect(store.page(of: queue, after: strict.marker, limit: 10).actions.count == 3)
  }

  @Test("is the newest by bytes of bodies, and always the newest one")
  func bytes() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let size = Draft(offset: 0, padding: 100).body.utf8.count
    store.retain([queue: .init(bytes: size * 4)])
    try store.append((0..<9).map { Draft(offset: $0, padding: 100) })
    #expect(offsets(store) == [5, 6, 7, 8])
    try store.append([Draft(offset: 9, padding: 100 + size)])
    #expect(offsets(store) == [7, 8, 9])
    try store.append([Draft(offset: 10, padding: 100 + size * 10)])
    #expect(offsets(store) == [10])
    try store.append([Draft(offset: 11, padding: 1)])
    #expect(offsets(store) == [11])
  }

  @Test("is applied to what is there when a bound is set; lifting it brings nothing back")
  func change() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append(
      (0..<10).map { Draft(offset: $0) } + (0..<10).map { Draft(queue: "p/r", partition: 1, offset: $0) })
    #expect(offsets(store).count == 10)
    store.retain([queue: .init(count: 4)])
    #expect(offsets(store) == [6, 7, 8, 9])
    store.retain([queue: .init(count: 8)])
    #expect(offsets(store) == [6, 7, 8, 9])
    try store.append((10..<16).map { Draft(offset: $0) })
    #expect(offsets(store) == Array(8..<16))
    store.retain([:])
    try store.append((16..<20).map { Draft(offset: $0) })
    #expect(offsets(store) == Array(8..<20))
    #expect(store.positions(try .test("p/r")).count == 10)
  }

  @Test("survives a clean stop and a kill", arguments: [true, false])
  func restart(isClean: Bool) throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    store.retain([queue: .init(count: 2)])
    try store.append((0..<9).map { Draft(offset: $0, timeToLive: $0 % 2 == 0 ? 300 : 3_600) })
    try store.maintain()
    if isClean { try store.close() } else { store.abandon() }
    store = try fixture.open()
    // Before anybody has told the bound again.
    #expect(offsets(store) == [7, 8])
    #expect(store.statistics(of: queue)?.overRetention == 7)
    store.retain([queue: .init(count: 2)])
    try store.append([Draft(offset: 9)])
    #expect(offsets(store) == [8, 9])
    #expect(store.statistics(of: queue)?.isBalanced == true)
  }

  @Test("frees the disk: a segment of which nothing is left goes before its actions expire")
  func disk() throws {
    let fixture = try StoreFixture(segmentBytesMax: 4_000)
    let store = try fixture.open()
    store.retain([queue: .init(count: 5)])
    for offset in 0..<200 {
      try store.append([Draft(offset: Int64(offset), timeToLive: 86_400, padding: 200)])
      if offset % 10 == 9 { try store.maintain() }
    }
    try store.maintain()
    #expect(try fixture.directory.files(withSuffix: ".segment").count <= 3)
    #expect(offsets(store) == [195, 196, 197, 198, 199])
    let statistics = try #require(store.statistics(of: queue))
    #expect(statistics.isBalanced && statistics.received == 200 && statistics.expired == 195)
    #expect(statistics.overRetention == 195)
    #expect(store.page(of: queue, after: nil, limit: 10).gaps == [over(195, 0, 194)])
    try store.close()
    #expect(offsets(try fixture.open()) == [195, 196, 197, 198, 199])
  }

  @Test("is told apart from what expired and what was rejected")
  func reasons() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append((0..<4).map { Draft(offset: $0) })
    try store.reject("p/q", offset: 4)
    try store.append((5..<8).map { Draft(offset: $0) } + [Draft(offset: 8, timeToLive: 10)])
    try store.reject("p/q", offset: 9)
    try store.append((10..<13).map { Draft(offset: $0) })
    store.retain([queue: .init(count: 5)])
    fixture.clock.advance(seconds: 60)
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.map(\.position.offset) == [7, 10, 11, 12])
    #expect(Set(page.gaps.map(\.reason)) == [.queueRetention, .expired, .rejected])
    #expect(page.gaps.first { $0.reason == .queueRetention }?.count == 6)
    #expect(page.gaps.first { $0.reason == .expired }?.count == 1)
    #expect(page.gaps.first { $0.reason == .rejected }?.count == 2)
    let statistics = try #require(store.statistics(of: queue))
    #expect(statistics.isBalanced && statistics.live == 4 && statistics.expired == 7 && statistics.rejected == 2)
    #expect(statistics.overRetention == 6)
  }

  /// Appends, time, bounds, maintenance, stops and kills in any order, with readers at every place. What is shown must
  /// be a tail of what was stored, within the bound, and never less than the bound allows.
  @Test("holds whatever happens in between", arguments: 0..<6)
  func random(run: Int) throws {
    let given = ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) }
    let seed = (given ?? UInt64.random(in: 0...UInt64(UInt32.max))) &+ UInt64(run)
    var random = SeededGenerator(seed: seed)
    let fixture = try StoreFixture(segmentBytesMax: 3_000)
    var store = try fixture.open()
    var stored: [(draft: Draft, created: Int64)] = []
    var bound: QueueAudit.Retention?
    /// Everything before it may be gone by the bound.
    var mayBeOver = 0
    var floor = 0
    var pushedOut = 0
    for step in 0..<1_500 {
      switch Int.random(in: 0..<20, using: &random) {
      case ..<10:
        let drafts = (0..<Int.random(in: 1...6, using: &random)).map { index in
          Draft(
            offset: Int64(stored.count + index),
            timeToLive: [60, 301, 900, 86_400].randomElement(using: &random) ?? 60,
            padding: .random(in: 0...300, using: &random))
        }
        try store.append(drafts)
        stored += drafts.map { ($0, store.nowMilliseconds()) }
      case ..<13: fixture.clock.advance(milliseconds: .random(in: 1...40_000, using: &random))
      case ..<17: try store.maintain()
      case ..<18:
        bound =
          [
            nil, .init(count: .random(in: 1...60, using: &random)),
            .init(bytes: .random(in: 1...9_000, using: &random)),
            .init(count: .random(in: 1...40, using: &random), bytes: .random(in: 1...9_000, using: &random)),
          ].randomElement(using: &random) ?? nil
        store.retain(bound.map { [queue: $0] } ?? [:])
      case ..<19:
        // Both ways everything is on disk: a kill behind a checkpoint loses what a topic would bring again.
        try store.maintain()
        if Bool.random(using: &random) { try store.close() } else { store.abandon() }
        store = try fixture.open()
        store.retain(bound.map { [queue: $0] } ?? [:])
      default: break
      }
      if let bound {
        // As far as the newest that fit.
        var bytes = 0
        var count = 0
        var first = stored.count
        while first > 0, count < bound.count ?? .max {
          let next = bytes + stored[first - 1].draft.body.utf8.count
          if count > 0, next > bound.bytes ?? .max { break }
          (bytes, count, first) = (next, count + 1, first - 1)
        }
        mayBeOver = max(mayBeOver, first)
      }
      let now = store.nowMilliseconds()
      func isLive(_ index: Int) -> Bool { stored[index].created + Int64(stored[index].draft.timeToLive) * 1_000 > now }
      let shown = store.all(queue, limit: .random(in: 1...50, using: &random)).map { Int($0.position.offset) }
      let start = shown.first ?? stored.count
      let comment: Comment = "seed \(seed &- UInt64(run)), run \(run), step \(step)"
      // Nothing is gone that the bound and the clock would have left.
      try #require(shown == (start..<stored.count).filter(isLive), comment)
      try #require((0..<start).allSatisfy { $0 < mayBeOver || !isLive($0) }, comment)
      if let bound {
        try #require(shown.count <= bound.count ?? .max, comment)
        let bytes = shown.reduce(0) { $0 + stored[$1].draft.body.utf8.count }
        try #require(bytes <= bound.bytes ?? .max || shown.count == 1, comment)
      }
      // What is gone stays gone.
      try #require(start >= floor || !isLive(start), comment)
      for index in floor..<start where isLive(index) {
        floor = index + 1
        pushedOut += 1
      }
      let statistics = store.statistics(of: queue) ?? QueueStatistics()
      try #require(statistics.isBalanced && statistics.live == UInt64(shown.count), comment)
      let told = store.page(of: queue, after: nil, limit: 50).gaps.compactMap(\.count).reduce(0, +)
      let end = shown.count < 50 ? stored.count : shown[49] + 1
      try #require(told == UInt64(end - min(50, shown.count)), comment)
    }
    #expect(pushedOut > 50)
    // A model that never met a bound would prove nothing.
    #expect(floor > 0)
  }
}
