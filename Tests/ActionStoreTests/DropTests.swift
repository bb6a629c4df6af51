import AuditActions
import Testing

@testable import ActionStore

@Suite("Records that are not wanted")
struct DropTests {
  let fixture: StoreFixture
  let queue: QueueAddress

  init() throws {
    fixture = try StoreFixture()
    queue = try .test("p/q")
  }

  private func drop(_ offsets: Range<Int64>, _ reason: DropReason, key: String = "p/q", in store: ActionStore) throws {
    _ = try store.append { writer in
      var key = key
      key.withUTF8 { key in
        for offset in offsets {
          writer.drop(partition: 0, offset: offset, key: UnsafeRawBufferPointer(key), reason: reason)
        }
      }
      writer.keepDrops()
    }
  }

  @Test("are counted once each, whenever the process is killed, and after everything has expired")
  func counted() throws {
    var store = try fixture.open()
    var expected: [DropReason: UInt64] = [:]
    var next: Int64 = 0
    for restart in ["killed", "checkpointed and killed", "closed", "expired and killed", "killed", "closed"] {
      try drop(next..<(next + 3), .notAudited, key: "p/other", in: store)
      try store.append([Draft(offset: next + 3)])
      try drop((next + 4)..<(next + 5), .eventNotAudited, in: store)
      next += 5
      expected[.notAudited, default: 0] += 3
      expected[.eventNotAudited, default: 0] += 1
      #expect(store.balance().dropped == expected)
      switch restart {
      case "killed": store.abandon()
      case "closed": try store.close()
      default:
        if restart.hasPrefix("expired") { fixture.clock.advance(seconds: 400) }
        for _ in 0..<3 { try store.maintain() }
        store.abandon()
      }
      store = try fixture.open()
      #expect(store.balance().dropped == expected, "\(restart)")
      #expect(store.nextOffset(of: 0) == next)
    }
    let balance = store.balance()
    #expect(balance.received == 6 && balance.queues == 1 && balance.unbalancedQueues == 0)
    try store.close()
  }

  @Test("are no gap to a reader, and make no queue known")
  func noGap() throws {
    let store = try fixture.open()
    try store.append([Draft(offset: 0)])
    let marker = store.page(of: queue, after: nil, limit: 10).marker
    try drop(1..<5, .notAudited, in: store)
    try store.append([Draft(offset: 5)])
    let page = store.page(of: queue, after: marker, limit: 10)
    #expect(page.gaps.isEmpty && page.actions.map(\.position.offset) == [5])
    try drop(6..<9, .notAudited, key: "p/unknown", in: store)
    #expect(store.queues(of: "p", after: nil, limit: 10) == ["q"])
    try store.close()
  }

  @Test("that come again are not counted again")
  func again() throws {
    let store = try fixture.open()
    try drop(0..<4, .notAudited, in: store)
    try drop(0..<4, .notAudited, in: store)
    #expect(store.balance().dropped == [.notAudited: 4])
    #expect(store.nextOffset(of: 0) == 4)
    try store.close()
  }
}
