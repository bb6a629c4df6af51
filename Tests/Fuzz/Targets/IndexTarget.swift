@testable import ActionStore

/// Bytes of index files: one that is opened gives entries inside it, and of bodies inside the segment.
final class IndexTarget: FuzzTarget {
  static let name = "indexes"
  static let share = 17_000_000

  private let samples: [[UInt8]]
  private let memory: GuardedMemory
  private let mutation = Mutation(["STRDIDX\n", "p/q"], raw: [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]])
  private let groups: [Group]

  init(seed: UInt64) throws {
    let sample = try StoreSample()
    // A store that is closed in order writes an index for every segment without one.
    let store = try ActionStore(
      configuration: StoreSample.configuration(sample.directory),
      clock: StoreSample.Clock(StoreSample.startMilliseconds), logger: FeedWorld.quiet)
    try store.close()
    samples = try StoreSample.files(in: sample.directory).filter { $0.name.hasSuffix(".index") }.map(\.bytes)
    guard let memory = GuardedMemory(capacity: 256 << 10), !samples.isEmpty else { throw Finding("no index files", []) }
    self.memory = memory
    groups = StoreSample.queues.flatMap { key in
      (0..<3).map { Group(number: 0, partition: Int32($0), key: QueueKey(key)) }
    }
  }

  func run(_ random: inout SeededRandom) throws {
    let sample = random.pick(samples)
    var file = mutation.apply(to: sample, with: random.pick(samples), &random)
    if !random.oneIn(4) { Checksums.mendIndex(&file) }
    guard let bytes = memory.place(file), let address = bytes.baseAddress else { return }
    let (segment, segmentBytes) = sample.withUnsafeBytes { sample in
      (sample.integer(at: 16, as: UInt64.self), Int(sample.integer(at: 24, as: UInt64.self)))
    }
    let mapping = FileMapping(address: address, capacity: file.count)
    guard
      let index = SealedIndex(mapping: mapping, byteCount: file.count, segment: segment, segmentBytes: segmentBytes)
    else { return }
    let check = SegmentCheck(index: index, mapping: mapping, health: StoreHealth())
    for group in groups {
      let isInside = index.withList(of: group, check: check) { list in
        guard let list else { return true }
        _ = list.live(at: StoreSample.startMilliseconds)
        _ = list.index(of: 5)
        return list.entries.allSatisfy { Int($0.position) + Int($0.bodyBytes) <= segmentBytes }
      }
      guard isInside else { throw Finding("an entry names bytes outside its segment", file) }
    }
  }
}
