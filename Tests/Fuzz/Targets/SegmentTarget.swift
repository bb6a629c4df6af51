import AuditActions

@testable import ActionStore

/// Bytes of segment files through the scan that recovery makes: whatever they are, nothing outside them is read.
final class SegmentTarget: FuzzTarget {
  static let name = "segments"
  static let share = 60_000_000

  private let samples: [[UInt8]]
  private let memory: GuardedMemory
  private let mutation = Mutation(["FRM1", "STRDSEG\n", "p/q"], raw: [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]])

  init(seed: UInt64) throws {
    samples = try StoreSample().contents(suffix: ".segment")
    guard let memory = GuardedMemory(capacity: 256 << 10) else { throw Finding("no memory", []) }
    self.memory = memory
  }

  func run(_ random: inout SeededRandom) throws {
    var file = mutation.apply(to: random.pick(samples), with: random.pick(samples), &random)
    if !random.oneIn(4) { Checksums.mendSegment(&file) }
    guard let bytes = memory.place(file) else { return }
    let durable = random.oneIn(2) ? 0 : UInt64(random.below(20))
    let scan: SegmentScan
    do {
      scan = SegmentScan.scan(
        number: 1, header: try SegmentHeader.decode(bytes), bytes: bytes, durableBatch: durable)
    } catch {
      guard error.code == .newerVersion else { throw Finding("\(error)", file) }
      return
    }
    guard scan.frames.allSatisfy({ $0.position >= 0 && $0.end <= file.count && $0.position < $0.end }) else {
      throw Finding("a frame lies outside the file", file)
    }
    var sum = 0
    for frame in scan.frames {
      let isWhole = FrameRecord.forEach(in: bytes, frameAt: frame.position, header: frame.header) {
        record, key, at, count in
        sum &+= key.reduce(0) { $0 &+ Int($1) }
        sum &+= bytes[at..<(at + count)].reduce(0) { $0 &+ Int($1) }
        if record.kind == .seals, let block = SealBlock(UnsafeRawBufferPointer(rebasing: bytes[at..<(at + count)])) {
          for start in UInt32(0)..<512 { sum &+= block[start]?.byteCount ?? 0 }
        }
      }
      guard isWhole else { throw Finding("a frame that was scanned cannot be read", file) }
    }
    var cut = scan
    guard cut.cut(from: UInt64(random.below(16))) <= file.count else { throw Finding("a cut beyond the end", file) }
  }
}
