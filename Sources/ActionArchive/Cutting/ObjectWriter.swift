/// Writes one object: takes lines and counts them, and hands them over to be packed.
final class ObjectWriter {
  private let packing: PackingThreads
  private let lane: Int
  private let packer: ObjectPacker
  /// What is to be packed next.
  private var block: PackingBlock
  private var facts = ObjectContent()

  init(path: String, compression: ArchiveCompression, packing: PackingThreads) throws(ArchiveError) {
    self.packing = packing
    packer = try ObjectPacker(path: path, compression: compression)
    lane = packing.lane()
    block = packing.block()
  }

  var path: String { packer.path }

  /// Appends one line. `change` counts it.
  /// - Throws: what went wrong with earlier lines, as soon as it is known.
  func append(_ line: UnsafeRawBufferPointer, _ change: (inout ObjectContent) -> Void) throws(ArchiveError) {
    facts.lines += 1
    facts.contentBytes += Int64(line.count)
    change(&facts)
    var rest = line
    while !rest.isEmpty {
      rest = block.fill(rest)
      guard block.isFull else { continue }
      if let failure = packer.failure { throw failure }
      packing.pack(block, isLast: false, with: packer, lane: lane)
      block = packing.block()
    }
  }

  /// Ends the object, once. The file stays until the caller removes it.
  func finish() -> PendingObject {
    packing.pack(block, isLast: true, with: packer, lane: lane)
    return PendingObject(packer: packer, facts: facts)
  }
}

/// An object that is still being packed.
struct PendingObject: Sendable {
  let packer: ObjectPacker
  /// Without what is only known when it is packed.
  fileprivate let facts: ObjectContent

  var path: String { packer.path }

  /// Waits until it is packed.
  /// - Throws: `io` or `compression`.
  func content() async throws(ArchiveError) -> ObjectContent {
    let packed = try await packer.finished()
    var content = facts
    content.sha256 = packed.sha256
    content.contentSHA256 = packed.contentSHA256
    content.bytes = packed.bytes
    return content
  }
}

/// What an object holds.
struct ObjectContent: Sendable, Equatable {
  /// Of the object's bytes and of its lines before they were packed; 32 bytes each.
  var sha256: [UInt8] = []
  var contentSHA256: [UInt8] = []
  var bytes: Int64 = 0
  var contentBytes: Int64 = 0
  var lines: Int64 = 0
  var actions: Int64 = 0
  var rejected: Int64 = 0
  /// Offsets stated to hold no record, and offsets stated to be lost.
  var gapOffsets: Int64 = 0
  var holeOffsets: Int64 = 0
  /// The earliest and the latest time of its records, in milliseconds since 1970; nil where none has a time.
  var times: ClosedRange<Int64>?

  mutating func note(time: Int64?) {
    guard let time else { return }
    times = times.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
  }
}
