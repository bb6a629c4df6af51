import AuditActions
import Testing

@testable import ActionStore

@Suite("Pages")
struct PagingTests {
  let fixture: StoreFixture
  let queue: QueueAddress

  init() throws {
    fixture = try StoreFixture()
    queue = try .test("p/q")
  }

  @Test("come oldest first and byte for byte, at every limit", arguments: [1, 3, 10, 50])
  func order(limit: Int) throws {
    let store = try fixture.open()
    let drafts = (0..<120).map { Draft(offset: $0) }
    for chunk in stride(from: 0, to: 120, by: 7) { try store.append(Array(drafts[chunk..<min(120, chunk + 7)])) }
    #expect(store.all(queue, limit: limit).map(\.text) == drafts.map(\.body))
  }

  @Test("are empty for a queue never seen, and do not mix queues")
  func otherQueues() throws {
    let store = try fixture.open()
    try store.append([Draft(queue: "p/a", offset: 0), Draft(queue: "p/b", offset: 1), Draft(queue: "p/a", offset: 2)])
    #expect(store.positions(try .test("p/a")).map(\.offset) == [0, 2])
    #expect(store.positions(try .test("p/b")).map(\.offset) == [1])
    #expect(store.positions(try .test("x/a")).isEmpty)
    #expect(store.statistics(of: try .test("x/a")) == nil)
    #expect(store.queues(of: "p", after: nil, limit: 10) == ["a", "b"])
    #expect(store.queues(of: "p", after: "a", limit: 10) == ["b"])
    #expect(store.queues(of: "x", after: nil, limit: 10).isEmpty)
  }

  @Test("continue behind the last marker with what came since")
  func continuation() throws {
    let store = try fixture.open()
    try store.append([Draft(offset: 0), Draft(offset: 1)])
    let first = store.page(of: queue, after: nil, limit: 10)
    #expect(store.page(of: queue, after: first.marker, limit: 10).actions.isEmpty)
    try store.append([Draft(offset: 2)])
    let next = store.page(of: queue, after: first.marker, limit: 10)
    #expect(next.actions.map(\.position.offset) == [2])
  }

  @Test("keep the order of a partition across TTL lanes")
  func lanes() throws {
    let store = try fixture.open()
    let times: [Int32] = [300, 86_400, 60, 1_209_600, 601, 300]
    try store.append((0..<60).map { Draft(offset: Int64($0), timeToLive: times[$0 % times.count]) })
    #expect(store.positions(queue, limit: 7).map(\.offset) == Array(0..<60))
  }

  @Test("merge partitions by time and miss nothing at any edge", arguments: [1, 2, 10])
  func partitions(limit: Int) throws {
    let store = try fixture.open()
    for step in 0..<30 {
      try store.append([Draft(partition: Int32(step % 3), offset: Int64(step / 3))])
      fixture.clock.advance(milliseconds: 5)
    }
    let positions = store.positions(queue, limit: limit)
    let expected: [ActionPosition] = (0..<30).map { step in
      ActionPosition(partition: Int32(step % 3), offset: Int64(step / 3))
    }
    #expect(positions == expected)
  }

  @Test("never hold an expired action, unlinked or not")
  func expiry() throws {
    let store = try fixture.open()
    try store.append([Draft(offset: 0, timeToLive: 10), Draft(offset: 1, timeToLive: 300)])
    fixture.clock.advance(milliseconds: 9_999)
    #expect(store.positions(queue).map(\.offset) == [0, 1])
    fixture.clock.advance(milliseconds: 1)
    #expect(store.positions(queue).map(\.offset) == [1])
    #expect(store.action(at: ActionPosition(partition: 0, offset: 0), in: queue) == nil)
    #expect(store.action(at: ActionPosition(partition: 0, offset: 1), in: queue)?.text == Draft(offset: 1).body)
    fixture.clock.advance(seconds: 400)
    try store.maintain()
    #expect(store.positions(queue).isEmpty)
    let statistics = try #require(store.statistics(of: queue))
    #expect(statistics.received == 2 && statistics.live == 0 && statistics.expired == 2)
  }

  @Test("hold only the events asked for")
  func events() throws {
    let store = try fixture.open()
    let names = ["ClaimExpired", "MessageDeleted", "Own"]
    try store.append((0..<90).map { Draft(offset: Int64($0), event: names[$0 % 3]) })
    let found = store.all(queue, limit: 7, events: ["Own", "MessageDeleted"]).map(\.position.offset)
    #expect(found == (0..<90).filter { $0 % 3 != 0 })
    #expect(store.all(queue, events: ["Nothing"]).isEmpty)
  }

  @Test("stop at the limit of work and say that there is more")
  func bounded() throws {
    var fixture = fixture
    fixture.configuration.pageScanMax = 100
    let store = try fixture.open()
    try store.append((0..<1_000).map { Draft(offset: $0, event: $0 == 999 ? "Rare" : "Common") })
    let page = store.page(of: queue, after: nil, limit: 10, events: ["Rare"])
    #expect(page.actions.isEmpty && !page.isExhausted)
    #expect(store.all(queue, events: ["Rare"]).map(\.position.offset) == [999])
  }

  @Test("take the time of a record from the future, or without one, as now")
  func timestamps() throws {
    let store = try fixture.open()
    let now = fixture.clock.nowMilliseconds()
    try store.append([
      Draft(offset: 0, timestamp: now + 86_400_000), Draft(offset: 1, timestamp: nil),
      Draft(offset: 2, timestamp: now - 299_000), Draft(offset: 3, timestamp: now - 300_000),
    ])
    let actions = store.all(queue)
    #expect(actions.map(\.position.offset) == [0, 1, 2])
    #expect(actions.map { $0.age(at: now) } == [0, 0, 299])
    #expect(store.statistics(of: queue)?.expired == 1)
  }

  @Test("ignore offsets stored before")
  func duplicates() throws {
    let store = try fixture.open()
    try store.append([Draft(offset: 0), Draft(offset: 1)])
    let outcome = try store.append([Draft(offset: 1), Draft(offset: 2), Draft(offset: 2)])
    #expect(outcome.stored == 1 && outcome.duplicates == 2)
    #expect(store.positions(queue).map(\.offset) == [0, 1, 2])
    #expect(store.nextOffset(of: 0) == 3)
  }

  @Test("and offsets move past what holds nothing, in a partition never seen too")
  func advance() throws {
    var store = try fixture.open()
    _ = try store.append { $0.advance(partition: 4, to: 500) }
    #expect(store.nextOffset(of: 4) == 500)
    try store.append([Draft(partition: 4, offset: 500)])
    _ = try store.append { $0.advance(partition: 4, to: 510) }
    store.abandon()
    store = try fixture.open()
    #expect(store.nextOffset(of: 4) == 510)
    #expect(store.positions(queue).map(\.offset) == [500])
  }
}
