import AuditActions
import Testing

@testable import ActionStore

@Suite("Holes")
struct HolesTests {
  private func hole(_ partition: Int32, _ range: Range<Int64>, at time: Int64 = 1) -> Hole {
    Hole(
      partition: partition, from: range.lowerBound, to: range.upperBound, reason: .topicRetention,
      recordedMilliseconds: time)
  }

  @Test("are found as by looking at each of them")
  func model() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<50 {
      var all: [Hole] = []
      var time: Int64 = 0
      var ends: [Int32: Int64] = [:]
      for _ in 0..<Int.random(in: 0...60, using: &random) {
        let partition = Int32.random(in: 0...3, using: &random)
        let from = ends[partition, default: 0] + .random(in: 1...5, using: &random)
        let to = from + .random(in: 1...9, using: &random)
        ends[partition] = to
        // Nearly always later than the one before.
        time += .random(in: -1...9, using: &random)
        all.append(hole(partition, from..<to, at: time))
      }
      let holes = Holes(all)
      #expect(holes.all == all)
      #expect(holes.partitions == Set(all.map(\.partition)).sorted())
      for partition in Int32(0)...4 {
        for offset in Int64(-1)...200 {
          let behind = all.filter { $0.partition == partition && $0.to - 1 > offset }
          #expect(Array(holes.of(partition, behind: offset, after: nil)) == behind)
          let oldest = Int64.random(in: 0...max(1, time), using: &random)
          #expect(
            Array(holes.of(partition, behind: offset, after: oldest))
              == behind.filter { $0.recordedMilliseconds > oldest })
        }
      }
    }
  }

  @Test("noticed again after damage are told once")
  func again() {
    var holes = Holes([hole(0, 5..<9), hole(0, 20..<30)])
    holes.append(hole(0, 5..<9, at: 2))
    holes.append(hole(0, 21..<25, at: 3))
    #expect(Array(holes.of(0, behind: -1, after: nil)) == [hole(0, 5..<9), hole(0, 20..<30)])
    holes.append(hole(0, 4..<12, at: 4))
    #expect(holes.of(0, behind: -1, after: nil).map(\.from) == [4, 20])
    #expect(holes.of(0, behind: -1, after: 3).map(\.from) == [4])
    #expect(holes.all.count == 5)
  }

  @Test("do not make a page slow that ends before them, nor one in another partition")
  func plain() throws {
    let queue = try QueueAddress.test("p/q")
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try store.append((0..<20).map { Draft(offset: $0) })
    try store.recordHole(partition: 0, to: 40)
    try store.append((40..<50).map { Draft(offset: $0) })
    let key = QueueKey(queue.key)
    #expect(store.plainPage(of: key, after: nil, limit: 20)?.actions.count == 20)
    #expect(store.plainPage(of: key, after: nil, limit: 21) == nil)
    let before = store.page(of: queue, after: nil, limit: 10).marker
    #expect(store.plainPage(of: key, after: before, limit: 10) != nil)
    let past = store.page(of: queue, after: nil, limit: 25)
    #expect(past.gaps.map(\.reason) == [.topicRetention] && past.gaps.map(\.from) == [20])
    #expect(store.plainPage(of: key, after: past.marker, limit: 6)?.actions.count == 5)
    try store.append([Draft(queue: "p/other", partition: 1, offset: 0)])
    try store.recordHole(partition: 1, to: 7)
    #expect(store.plainPage(of: key, after: past.marker, limit: 5) != nil)
    // At its end the queue's readers are told of other partitions.
    #expect(store.plainPage(of: key, after: past.marker, limit: 6) == nil)
    #expect(store.page(of: queue, after: past.marker, limit: 6).gaps.map(\.partition) == [1])
  }
}
