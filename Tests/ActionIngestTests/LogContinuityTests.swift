import ActionStore
import Testing

@testable import ActionIngest

/// A log of one partition or more, as a batch shows it; a record's fingerprint is made of its text.
private struct Record: LogRecord {
  var partition: Int32 = 0
  var offset: Int64
  var brokerID: Int32 = 1
  var text = "a"

  var fingerprint: RecordFingerprint {
    var text = text
    return text.withUTF8 {
      RecordFingerprint(offset: offset, timestampMilliseconds: 0, key: nil, value: UnsafeRawBufferPointer($0))
    }
  }
}

@Suite("What is read follows on what is stored")
struct LogContinuityTests {
  private var continuity = LogContinuity(idleCheckMilliseconds: 0)

  /// Stored through `last`.
  private func stored(_ last: Record) -> [Int32: Standing] {
    [last.partition: Standing(next: last.offset + 1, lastRecord: last.fingerprint)]
  }

  private func records(_ offsets: ClosedRange<Int64>, text: String = "a", broker: Int32 = 1) -> [Record] {
    offsets.map { Record(offset: $0, brokerID: broker, text: text) }
  }

  private mutating func sift(
    _ records: [Record], ends: [Int32: Int64] = [:], connections: UInt64 = 1, _ standings: [Int32: Standing]
  ) -> LogContinuity.Sifted {
    continuity.sift(records, ends: ends, connections: connections) { standings }
  }

  @Test("reading begins a little before the end of what is stored, and what is stored is not taken again")
  mutating func same() {
    let standings = stored(Record(offset: 99))
    #expect(LogContinuity.start(standings[0] ?? Standing(next: 0, lastRecord: .unknown)) == 84)
    continuity.began([0], connections: 1)
    #expect(sift(records(84...90), standings) == .init())
    #expect(sift(records(91...102), standings) == .init(runs: [9..<12]))
    #expect(continuity.uncompared == [])
  }

  @Test("a log that lost its end and grew beyond it is refused, and nothing of it is taken")
  mutating func grown() {
    continuity.began([0], connections: 1)
    let sifted = sift(records(84...90) + records(91...120, text: "b"), stored(Record(offset: 99)))
    #expect(sifted == .init(refused: [0]))
    #expect(sift(records(121...130, text: "b"), ends: [0: 131], stored(Record(offset: 99))) == .init())
    #expect(continuity.uncompared == [0])
  }

  @Test("a log that lost its end and came to the very same length is refused at its end")
  mutating func sameLength() {
    continuity.began([0], connections: 1)
    #expect(sift(records(84...99, text: "b"), ends: [0: 100], stored(Record(offset: 99))) == .init(refused: [0]))
  }

  @Test("a log that ends early is told of")
  mutating func short() {
    continuity.began([0], connections: 1)
    #expect(sift(records(84...90), ends: [0: 91], stored(Record(offset: 99))) == .init(short: [0]))
    #expect(continuity.uncompared == [0])
  }

  @Test("the end alone decides a comparison where nothing new is in the log")
  mutating func idle() {
    continuity.began([0], connections: 1)
    #expect(sift(records(84...99), stored(Record(offset: 99))) == .init())
    #expect(sift([], ends: [0: 100], stored(Record(offset: 99))) == .init(ends: [0: 100]))
    #expect(continuity.uncompared == [])
  }

  @Test("offsets without a record at the end of what is stored do no harm")
  mutating func transactionMarkers() {
    continuity.began([0], connections: 1)
    let standings: [Int32: Standing] = [0: Standing(next: 103, lastRecord: Record(offset: 99).fingerprint)]
    #expect(sift(records(87...99) + records(104...105), standings) == .init(runs: [13..<15]))
  }

  @Test("what cannot be compared passes: nothing stored, no fingerprint, nothing left before the end")
  mutating func incomparable() {
    continuity.began([0], connections: 1)
    #expect(sift(records(0...3), [:]) == .init(runs: [0..<4]))
    continuity.began([0], connections: 1)
    #expect(sift(records(5...6), [0: Standing(next: 5, lastRecord: .unknown)]) == .init(runs: [0..<2]))
    continuity.began([0], connections: 1)
    #expect(sift(records(100...101), stored(Record(offset: 99))) == .init(runs: [0..<2]))
  }

  @Test("after a new connection the batch is dropped, and every partition compared again")
  mutating func reconnected() {
    continuity.began([0, 1], connections: 1)
    let both = records(0...1) + [Record(partition: 1, offset: 0)]
    #expect(sift(both, [:]) == .init(runs: [0..<2, 2..<3]))
    #expect(sift(records(2...9), connections: 2, [:]) == .init())
    #expect(continuity.goingBack.sorted() == [0, 1])
    // What is still on its way from before the seek is not taken.
    #expect(sift(records(10...11), connections: 2, [:]) == .init())
    continuity.wentBack([0, 1])
    #expect(sift(records(0...1, text: "b") + records(2...3), connections: 2, stored(Record(offset: 1))).refused == [0])
  }

  @Test("a new connection is noticed without any record")
  mutating func reconnectedIdle() {
    continuity.began([0], connections: 1)
    #expect(sift(records(0...1), [:]) == .init(runs: [0..<2]))
    #expect(sift([], connections: 2, [:]) == .init())
    #expect(continuity.goingBack == [0])
  }

  @Test("connections opened before anything came take nothing back")
  mutating func connecting() {
    continuity.began([0, 1], connections: 1)
    #expect(sift(records(0...1), connections: 3, [:]) == .init())
    #expect(continuity.goingBack == [0])
    #expect(continuity.uncompared == [0, 1])
  }

  @Test("the records of another broker are compared first, those before it are taken")
  mutating func anotherLeader() {
    continuity.began([0], connections: 1)
    #expect(sift(records(0...4) + records(5...9, broker: 2), [:]) == .init(runs: [0..<5]))
    #expect(continuity.goingBack == [0])
    continuity.wentBack([0])
    let again = records(0...4, broker: 2) + records(5...9, broker: 2)
    #expect(sift(again, stored(Record(offset: 4))) == .init(runs: [5..<10]))
    #expect(continuity.uncompared == [])
  }

  @Test("one partition's fault is not another's")
  mutating func apart() {
    continuity.began([0, 1], connections: 1)
    var standings = stored(Record(offset: 9))
    standings[1] = Standing(next: 10, lastRecord: Record(partition: 1, offset: 9).fingerprint)
    let batch = records(9...10, text: "b") + [Record(partition: 1, offset: 9), Record(partition: 1, offset: 10)]
    #expect(sift(batch, standings) == .init(runs: [3..<4], refused: [0]))
  }
}
