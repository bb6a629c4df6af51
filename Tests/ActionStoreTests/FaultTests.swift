import AuditActions
import Synchronization
import Testing

@testable import ActionStore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("When the disk fails")
struct FaultTests {
  /// Makes the n-th call of one kind fail.
  private final class Countdown: Sendable {
    private let left: Mutex<Int>
    init(_ calls: Int) { left = Mutex(calls) }
    func fires() -> Bool {
      left.withLock { left in
        left -= 1
        return left == 0
      }
    }
  }

  @Test(
    "at any call, a batch is stored whole or not at all, and goes in when it is given again",
    arguments: FileSystem.Operation.allCases, [ENOSPC, EIO, FileSystem.shortWrite])
  func everyCall(operation: FileSystem.Operation, number: Int32) throws {
    guard number != FileSystem.shortWrite || operation == .write else { return }
    for call in 1...12 {
      let fixture = try StoreFixture(segmentBytesMax: 2_000)
      // The directory is made first: here it is the running store that is to fail.
      try fixture.open().close()
      let countdown = Countdown(call)
      let isArmed = Atomic(false)
      let files = FileSystem { asked in
        isArmed.load(ordering: .relaxed) && asked == operation && countdown.fires() ? number : nil
      }
      let store = try fixture.open(files: files)
      isArmed.store(true, ordering: .relaxed)
      let queue = try QueueAddress.test("p/q")
      var offset: Int64 = 0
      for _ in 0..<30 {
        let batch = [Draft(offset: offset, timeToLive: 60), Draft(offset: offset + 1, timeToLive: 4_000)]
        do {
          try store.append(batch)
          offset += 2
        } catch let error as StoreError {
          #expect(error.systemError == number && error.isFull == (number == ENOSPC))
        }
        #expect(store.nextOffset(of: 0) ?? 0 == offset)
        do { try store.maintain() } catch {
          #expect(error.code == .inputOutput || error.code == .diskFull)
        }
      }
      #expect(store.all(queue).map(\.position.offset) == Array(0..<offset), "\(operation) \(call)")
      #expect(store.statistics(of: queue)?.received == UInt64(offset))
      #expect(store.balance().unbalancedQueues == 0)
      store.abandon()
      let reopened = try fixture.open()
      #expect(reopened.nextOffset(of: 0) == offset)
      #expect(reopened.all(queue).map(\.text) == (0..<offset).map { Draft(offset: $0).body })
    }
  }

  @Test(
    "while segments expire, what is counted as gone is gone once, whatever is killed when",
    arguments: [FileSystem.Operation.open, .write, .sync, .unlink, .rename, .map])
  func expiring(operation: FileSystem.Operation) throws {
    let queue = try QueueAddress.test("p/q")
    for call in 1...10 {
      let fixture = try StoreFixture(segmentBytesMax: 2_000)
      let countdown = Countdown(call)
      let isArmed = Atomic(false)
      let files = FileSystem { asked in
        isArmed.load(ordering: .relaxed) && asked == operation && countdown.fires() ? EIO : nil
      }
      var store = try fixture.open(files: files)
      try store.append((0..<20).map { Draft(offset: $0, timeToLive: 60, padding: 200) })
      try store.maintain()
      fixture.clock.advance(seconds: 100)
      isArmed.store(true, ordering: .relaxed)
      try? store.maintain()
      store.abandon()
      store = try fixture.open()
      let statistics = try #require(store.statistics(of: queue))
      #expect(statistics.received == 20 && statistics.expired == 20 && statistics.isBalanced, "\(operation) \(call)")
      #expect(store.nextOffset(of: 0) == 20)
      #expect(store.page(of: queue, after: nil, limit: 10).gaps.map(\.count) == [20])
      for _ in 0..<3 { try store.maintain() }
      #expect(store.balance().unbalancedQueues == 0)
    }
  }

  @Test(
    "at any call of a start, the start fails or all is there, and the next one finds everything",
    arguments: FileSystem.Operation.allCases)
  func opening(operation: FileSystem.Operation) throws {
    let queue = try QueueAddress.test("p/q")
    for call in 1...25 {
      let fixture = try StoreFixture(segmentBytesMax: 2_000)
      var store = try fixture.open()
      for offset in 0..<10 {
        try store.append([Draft(offset: Int64(offset), timeToLive: offset % 2 == 0 ? 60 : 4_000)])
      }
      try store.maintain()
      for offset in 10..<15 { try store.append([Draft(offset: Int64(offset))]) }
      store.abandon()
      let countdown = Countdown(call)
      let files = FileSystem { asked in asked == operation && countdown.fires() ? EIO : nil }
      if let opened = try? fixture.open(files: files) {
        #expect(opened.positions(queue).map(\.offset) == Array(0..<15))
        opened.abandon()
      }
      store = try fixture.open()
      #expect(store.positions(queue).map(\.offset) == Array(0..<15), "\(operation) \(call)")
      #expect(store.statistics(of: queue)?.received == 15)
      #expect(store.balance().unbalancedQueues == 0)
    }
  }

  @Test("and has no room for an index file, expiry still makes room")
  func noRoomForIndexes() throws {
    let fixture = try StoreFixture(segmentBytesMax: 2_000)
    try fixture.open().close()
    // Index files are renamed into place; nothing else of a running store is.
    let files = FileSystem { $0 == .rename ? ENOSPC : nil }
    let store = try fixture.open(files: files)
    for offset in 0..<20 { try store.append([Draft(offset: Int64(offset), timeToLive: 60, padding: 500)]) }
    #expect(throws: StoreError.self) { try store.maintain() }
    #expect(store.positions(try .test("p/q")).map(\.offset) == Array(0..<20))
    let before = try fixture.directory.files(withSuffix: ".segment").count
    fixture.clock.advance(seconds: 100)
    do { try store.maintain() } catch { #expect(error.isFull) }
    #expect(try fixture.directory.files(withSuffix: ".segment").count < before / 2)
    #expect(store.status().expiredActions > 10)
    try store.append([Draft(offset: 20)])
    #expect(store.positions(try .test("p/q")).map(\.offset) == [20])
  }

  @Test("or the budget is used up, appending waits for expiry and loses nothing")
  func budget() throws {
    var fixture = try StoreFixture(segmentBytesMax: 2_000)
    fixture.configuration.budgetBytes = 10_000
    let store = try fixture.open()
    var offset: Int64 = 0
    while true {
      do {
        try store.append([Draft(offset: offset, timeToLive: 60, padding: 500)])
        offset += 1
      } catch let error as StoreError {
        #expect(error.code == .budgetExhausted && error.isFull)
        break
      }
    }
    let queue = try QueueAddress.test("p/q")
    #expect(store.positions(queue).map(\.offset) == Array(0..<offset))
    fixture.clock.advance(seconds: 61)
    try store.maintain()
    try store.append([Draft(offset: offset, timeToLive: 60)])
    #expect(store.positions(queue).map(\.offset) == [offset])
  }
}
