import AuditActions
import Testing

@testable import ActionStore

@Suite("Gaps")
struct GapTests {
  let queue: QueueAddress

  init() throws { queue = try .test("p/q") }

  private func expired(_ count: UInt64?, _ from: Int64, _ to: Int64, partition: Int32 = 0) -> Gap {
    Gap(reason: .expired, count: count, partition: partition, from: from, to: to)
  }

  @Test("are not told to a reader who missed nothing")
  func none() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append((0..<30).map { Draft(offset: $0 * 2) })
    var marker: Marker?
    for _ in 0..<5 {
      let page = store.page(of: queue, after: marker, limit: 7)
      #expect(page.gaps.isEmpty)
      marker = page.marker
    }
    let end = store.page(of: queue, after: marker, limit: 7)
    #expect(end.actions.isEmpty && end.gaps.isEmpty && end.isExhausted)
  }

  @Test("say exactly how many expired before the first action, once")
  func head() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append((0..<5).map { Draft(offset: $0, timeToLive: 10) })
    fixture.clock.advance(seconds: 20)
    try store.append([Draft(offset: 9)])
    let first = store.page(of: queue, after: nil, limit: 10)
    #expect(first.actions.map(\.position.offset) == [9])
    #expect(first.gaps == [expired(5, 0, 8)])
    let second = store.page(of: queue, after: first.marker, limit: 10)
    #expect(second.actions.isEmpty && second.gaps.isEmpty)
  }

  @Test("are told in the middle of a page, where another TTL outlived its neighbours")
  func middle() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append(
      (0..<9).map { Draft(offset: $0, timeToLive: $0 % 3 == 0 ? 900 : 10) })
    fixture.clock.advance(seconds: 20)
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.map(\.position.offset) == [0, 3, 6])
    #expect(page.gaps == [expired(6, 1, 8)])
  }

  @Test("with nothing behind them are told with a marker beyond, unlinked or not", arguments: [false, true])
  func nothingBehind(isUnlinked: Bool) throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append((0..<5).map { Draft(offset: $0, timeToLive: 10) })
    let two = store.page(of: queue, after: nil, limit: 2)
    fixture.clock.advance(seconds: isUnlinked ? 1_000 : 20)
    for _ in 0..<3 { try store.maintain() }
    #expect(try fixture.directory.files(withSuffix: ".segment").count == 1)
    let page = store.page(of: queue, after: two.marker, limit: 10)
    #expect(page.actions.isEmpty)
    #expect(page.gaps == [expired(3, 2, 4)])
    try store.append([Draft(offset: 5)])
    let after = store.page(of: queue, after: page.marker, limit: 10)
    #expect(after.actions.map(\.position.offset) == [5])
    #expect(after.gaps.isEmpty)
  }

  @Test("survive a kill and a restart with the same counts", arguments: [true, false])
  func restart(isKilled: Bool) throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append((0..<5).map { Draft(offset: $0, timeToLive: 10) })
    let two = store.page(of: queue, after: nil, limit: 2)
    fixture.clock.advance(seconds: 1_000)
    try store.maintain()
    try store.append([Draft(offset: 7)])
    if isKilled { store.abandon() } else { try store.close() }
    store = try fixture.open()
    let page = store.page(of: queue, after: two.marker, limit: 10)
    #expect(page.gaps == [expired(3, 2, 6)])
    #expect(store.page(of: queue, after: nil, limit: 10).gaps == [expired(5, 0, 6)])
  }

  @Test("count an action that had expired on its way")
  func onArrival() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let now = fixture.clock.nowMilliseconds()
    try store.append([
      Draft(offset: 0), Draft(offset: 1, timeToLive: 5, timestamp: now - 6_000), Draft(offset: 2),
    ])
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.map(\.position.offset) == [0, 2])
    #expect(page.gaps == [expired(1, 1, 1)])
  }

  @Test("tell rejected records of the queue apart, and none of other queues")
  func rejected() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append([Draft(offset: 0), Draft(offset: 1, timeToLive: 5)])
    try store.reject("p/q", offset: 2)
    try store.reject("p/q", offset: 3, reason: "too_deep")
    try store.reject("p/other", offset: 4)
    try store.reject(nil, offset: 5)
    try store.append([Draft(offset: 6)])
    fixture.clock.advance(seconds: 10)
    for isKilled in [false, true, true] {
      let page = store.page(of: queue, after: nil, limit: 10)
      #expect(page.actions.map(\.position.offset) == [0, 6])
      #expect(
        page.gaps == [
          expired(1, 1, 5), Gap(reason: .rejected, count: 2, partition: 0, from: 1, to: 5),
        ])
      let statistics = try #require(store.statistics(of: queue))
      #expect(statistics.rejectedByReason == ["invalid_json": 1, "too_deep": 1])
      #expect(statistics.isBalanced)
      if isKilled { store.abandon() } else { try store.close() }
      store = try fixture.open()
    }
    #expect(store.status().rejected == ["invalid_json": 3, "too_deep": 1])
  }

  @Test("where the topic had lost records are told to every reader before it, for good")
  func holes() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append([Draft(offset: 0), Draft(queue: "p/other", offset: 1)])
    let before = store.page(of: queue, after: nil, limit: 10).marker
    try store.recordHole(to: 100)
    let hole = Gap(reason: .topicRetention, count: nil, partition: 0, from: 2, to: 99)
    for _ in 0..<3 {
      let page = store.page(of: queue, after: before, limit: 10)
      #expect(page.actions.isEmpty)
      #expect(page.gaps == [hole])
      #expect(store.page(of: queue, after: page.marker, limit: 10).gaps.isEmpty)
      #expect(store.page(of: try .test("p/other"), after: nil, limit: 10).gaps == [hole])
      // Of a queue never seen nobody knows whether it had records there.
      #expect(store.page(of: try .test("p/never"), after: nil, limit: 10).gaps == [hole])
      store.abandon()
      store = try fixture.open()
    }
    #expect(store.nextOffset(of: 0) == 100)
    try store.append([Draft(offset: 100)])
    try store.recordHole(to: 50)
    #expect(store.holes.count == 1)
    let page = store.page(of: queue, after: before, limit: 10)
    #expect(page.actions.map(\.position.offset) == [100])
    #expect(page.gaps == [hole])
  }

  @Test("where the topic had lost records are told once in every partition, whatever the queue's producers choose by")
  func holesElsewhere() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append([Draft(offset: 0)])
    for partition in Int32(1)...3 {
      try store.append([Draft(queue: "p/other", partition: partition, offset: 0)])
      try store.recordHole(partition: partition, to: Int64(partition) * 10)
    }
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.count == 1)
    #expect(
      page.gaps
        == (Int32(1)...3).map {
          Gap(reason: .topicRetention, count: nil, partition: $0, from: 1, to: Int64($0) * 10 - 1)
        })
    #expect(store.page(of: queue, after: page.marker, limit: 10).gaps.isEmpty)
    // What comes there afterwards is behind the marker, and counted from its first record.
    try store.append([Draft(partition: 2, offset: 20)])
    let next = store.page(of: queue, after: page.marker, limit: 10)
    #expect(next.actions.map(\.position) == [.init(partition: 2, offset: 20)])
    #expect(next.gaps.isEmpty)
  }

  @Test("end a strict page before them, and then stand alone")
  func strict() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append([
      Draft(offset: 0), Draft(offset: 1), Draft(offset: 2, timeToLive: 5), Draft(offset: 3),
      Draft(offset: 4, timeToLive: 5),
    ])
    fixture.clock.advance(seconds: 10)
    var marker: Marker?
    var told: [String] = []
    for _ in 0..<5 {
      let page = store.page(of: queue, after: marker, limit: 10, stopsAtGaps: true)
      #expect(page.actions.isEmpty || page.gaps.isEmpty)
      told.append("\(page.actions.map(\.position.offset)) \(page.gaps.map { $0.count ?? 0 })")
      marker = page.marker
    }
    #expect(told == ["[0, 1] []", "[] [1]", "[3] []", "[] [1]", "[] []"])
  }

  @Test("are told of a marker of another node or of a lost store, counted where this one can")
  func foreign() throws {
    let first = try StoreFixture()
    let second = try StoreFixture()
    let a = try first.open()
    let b = try second.open()
    let drafts = (0..<6).map { Draft(offset: $0, timeToLive: $0 < 3 ? 10 : 900) }
    // B began later: it has not counted the first two.
    try a.append(drafts)
    try b.append(Array(drafts[2...]))
    let one = a.page(of: queue, after: nil, limit: 1).marker
    let three = a.page(of: queue, after: nil, limit: 3).marker
    #expect(b.positions(queue, after: three).map(\.offset) == [3, 4, 5])
    #expect(b.page(of: queue, after: three, limit: 10).gaps.isEmpty)
    #expect(b.positions(queue, after: one).map(\.offset) == [2, 3, 4, 5])
    second.clock.advance(seconds: 500)
    try b.maintain()
    try b.maintain()
    #expect(b.page(of: queue, after: three, limit: 10).gaps.isEmpty)
    #expect(b.positions(queue, after: three).map(\.offset) == [3, 4, 5])
    #expect(b.page(of: queue, after: one, limit: 10).gaps == [expired(nil, 1, 2)])
    let end = a.page(of: queue, after: three, limit: 10).marker
    second.clock.advance(seconds: 1_000)
    for _ in 0..<3 { try b.maintain() }
    #expect(b.page(of: queue, after: end, limit: 10).gaps.isEmpty)
    #expect(b.page(of: queue, after: three, limit: 10).gaps == [expired(nil, 3, 5)])
    try b.append([Draft(offset: 6)])
    #expect(b.page(of: queue, after: end, limit: 10).gaps.isEmpty)
    #expect(b.positions(queue, after: end).map(\.offset) == [6])
  }

  @Test("move a page on where the limit of work was spent on what had expired")
  func spent() throws {
    var fixture = try StoreFixture()
    fixture.configuration.pageScanMax = 4
    let store = try fixture.open()
    // The first outlives the others, so that no bisection can skip them.
    try store.append(
      [Draft(offset: 0, timeToLive: 290)] + (1..<20).map { Draft(offset: $0, timeToLive: 10) }
        + [Draft(offset: 20, timeToLive: 290)])
    let first = store.page(of: queue, after: nil, limit: 1)
    fixture.clock.advance(seconds: 20)
    var marker = first.marker
    var lost: UInt64 = 0
    var found: [Int64] = []
    for _ in 0..<10 {
      let page = store.page(of: queue, after: marker, limit: 10)
      lost += page.gaps.reduce(0) { $0 + ($1.count ?? 0) }
      found += page.actions.map(\.position.offset)
      marker = page.marker
    }
    #expect(lost == 19)
    #expect(found == [20])
  }
}

@Suite("The counts of a queue")
struct BalanceTests {
  let queue: QueueAddress

  init() throws { queue = try .test("p/q") }

  @Test("add up, with what expired unread told apart, across restarts")
  func balance() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append((0..<10).map { Draft(offset: $0, timeToLive: 10) })
    try store.reject("p/q", offset: 10)
    _ = store.page(of: queue, after: nil, limit: 4)
    fixture.clock.advance(seconds: 500)
    try store.maintain()
    try store.append([Draft(offset: 11), Draft(offset: 11), Draft(offset: 5)])
    for isKilled in [false, true, false] {
      try store.maintain()
      let statistics = try #require(store.statistics(of: queue))
      #expect(statistics.received == 12)
      #expect(statistics.live == 1)
      #expect(statistics.expired == 10)
      #expect(statistics.expiredServed == 4)
      #expect(statistics.expiredUnread == 6)
      #expect(statistics.rejected == 1)
      #expect(statistics.duplicates == 2)
      #expect(statistics.isBalanced)
      #expect(store.balance().unbalancedQueues == 0)
      if isKilled { store.abandon() } else { try store.close() }
      store = try fixture.open()
    }
  }

  @Test("are folded from the log again when the catalog is lost")
  func lostCatalog() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append([Draft(offset: 0, timeToLive: 900), Draft(offset: 1, timeToLive: 5)])
    try store.reject("p/q", offset: 2)
    fixture.clock.advance(seconds: 400)
    try store.maintain()
    try store.append([Draft(offset: 3)])
    try store.close()
    for suffix in ["", "-wal", "-shm"] {
      try? FileSystem().unlink(fixture.directory.path + "/catalog.sqlite" + suffix)
    }
    store = try fixture.open()
    let statistics = try #require(store.statistics(of: queue))
    #expect(statistics.received == 4)
    #expect(statistics.live == 2)
    #expect(statistics.isBalanced)
  }

  @Test("know a rejection's place as long as there are not too many, and always how many there were")
  func rejections() {
    var rejections = Rejections()
    for ordinal in 0..<1_000 { rejections.add(ordinal: UInt64(ordinal) * 3 + 1, reason: "tombstone") }
    for ordinal in 3_000..<3_010 { rejections.add(ordinal: UInt64(ordinal), reason: "too_deep") }
    #expect(rejections.runs.count == Rejections.runsMax)
    #expect(rejections.count(in: 1..<5_000) == 1_010)
    #expect(rejections.count(in: 3_000..<3_005) == 5)
    #expect(rejections.count(in: 2_990..<3_001) == 4)
    #expect(rejections.count(in: 4..<5_000) == nil)
    #expect(rejections.countByReason == ["tombstone": 1_000, "too_deep": 10])
  }
}

@Suite("Time")
struct TimeTests {
  let queue: QueueAddress

  init() throws { queue = try .test("p/q") }

  @Test("set back keeps no action alive beyond its TTL, and takes none of it away")
  func back() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try store.append([Draft(offset: 0, timeToLive: 60)])
    fixture.clock.advance(seconds: 30)
    fixture.clock.step(milliseconds: -3_600_000)
    // A broker with the right time stamps this one an hour before what the store's time has reached.
    let wall = fixture.clock.nowMilliseconds()
    try store.append([Draft(offset: 1, timeToLive: 60, timestamp: wall - 10_000)])
    let page = store.page(of: queue, after: nil, limit: 10)
    #expect(page.actions.map { $0.age(at: store.nowMilliseconds()) } == [30, 10])
    #expect(store.wallMilliseconds(at: store.nowMilliseconds()) == wall)
    fixture.clock.advance(seconds: 30)
    #expect(store.positions(queue).map(\.offset) == [1])
    // A restart does not bring back what had expired.
    try store.maintain()
    try store.append([Draft(offset: 2, timeToLive: 60)])
    store.abandon()
    store = try fixture.open()
    #expect(store.positions(queue).map(\.offset) == [1, 2])
    fixture.clock.advance(seconds: 61)
    #expect(store.positions(queue).isEmpty)
  }

  @Test("set forward expires what is due then, keeps nothing for ever, and makes no age negative")
  func forward() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append([Draft(offset: 0, timeToLive: 60), Draft(offset: 1, timeToLive: 7_200)])
    fixture.clock.step(milliseconds: 3_600_000)
    #expect(store.positions(queue).map(\.offset) == [1])
    fixture.clock.step(milliseconds: -3_600_000)
    #expect(store.positions(queue).map(\.offset) == [1])
    let future = fixture.clock.nowMilliseconds() + 86_400_000
    try store.append([Draft(offset: 2, timeToLive: 60, timestamp: future)])
    let action = try #require(store.action(at: ActionPosition(partition: 0, offset: 2), in: queue))
    #expect(action.age(at: store.nowMilliseconds()) == 0)
    fixture.clock.advance(seconds: 61)
    #expect(store.positions(queue).map(\.offset) == [1])
    fixture.clock.advance(seconds: 7_200)
    #expect(store.positions(queue).isEmpty)
  }
}
