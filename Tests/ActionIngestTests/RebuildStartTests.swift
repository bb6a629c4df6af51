import Kafka
import Testing

@testable import ActionIngest

@Suite("Where a store that has nothing begins")
struct RebuildStartTests {
  private static let place = TopicPartition(topic: "audit.actions", partition: 0)
  private static let oldest: Int64 = 1_000_000

  /// A partition to which records come between two questions.
  private final class Partition: TopicPositions {
    var times: [Int64]
    var low: Int64 = 0
    let looksUpTimes: Bool
    /// Records that come before the question of that number is answered, counted from 0.
    var coming: [Int: [Int64]] = [:]
    private(set) var questions = 0

    init(_ times: [Int64], looksUpTimes: Bool = true) {
      self.times = times
      self.looksUpTimes = looksUpTimes
    }

    private func ask() {
      times += coming[questions] ?? []
      questions += 1
    }

    func offsetsForTimes(
      _ times: [TopicPartition: Int64], timeout: Duration
    ) throws(KafkaError) -> [TopicPartition: Int64?] {
      ask()
      return times.mapValues { time in
        guard looksUpTimes else { return nil }
        return self.times.indices.first { $0 >= low && self.times[$0] >= time }.map { Int64($0) }
      }
    }

    func watermarks(of partition: TopicPartition, timeout: Duration) throws(KafkaError) -> Watermarks {
      ask()
      return Watermarks(low: low, high: Int64(times.count))
    }
  }

  private func start(_ partition: Partition) throws -> Int64 {
    let starts = try RebuildStarts(positions: partition).starts(of: [Self.place], from: Self.oldest)
    switch try #require(starts[Self.place]) {
    case .offset(let offset): return offset
    case .beginning: return 0
    default:
      Issue.record("neither an offset nor the beginning: \(starts)")
      return .max
    }
  }

  @Test("records that come between any two of its questions are not passed over", arguments: [true, false])
  func race(_ looksUpTimes: Bool) throws {
    // Before which question a first record comes, and a second.
    for old in [[], [1, 2, 3]] as [[Int64]] {
      for first in 0...5 {
        for second in first...5 {
          let partition = Partition(old, looksUpTimes: looksUpTimes)
          partition.coming[first, default: []].append(Self.oldest)
          partition.coming[second, default: []].append(Self.oldest + 1)
          let start = try start(partition)
          #expect(start <= old.count, "\(old.count) old ones, then before questions \(first) and \(second)")
        }
      }
    }
  }

  @Test("what has expired is passed over, where the broker can say so; else everything is read")
  func quiet() throws {
    #expect(try start(Partition([])) == 0)
    #expect(try start(Partition([1, 2, 3])) == 3)
    #expect(try start(Partition([1, 2, Self.oldest, Self.oldest + 1])) == 2)
    #expect(try start(Partition([1, 2, 3], looksUpTimes: false)) == 0)
    let removed = Partition([1, 2, 3])
    removed.low = 3
    // Retention took everything: there is nothing to pass over.
    #expect(try start(removed) == 0)
  }
}
