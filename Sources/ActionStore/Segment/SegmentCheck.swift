import Synchronization

/// Whether something on disk was found to be damaged since the store was opened. It is found before it is read: nothing
/// of it was given out.
final class StoreHealth: Sendable {
  private let damaged = Atomic(false)

  var isDamaged: Bool { damaged.load(ordering: .acquiring) }

  func noteDamage() { damaged.store(true, ordering: .releasing) }
}

/// Checks a segment that an earlier process wrote, piece by piece, each before it is read for the first time: the lists
/// of its index, and the frames in which bodies lie.
///
/// A start does not read what is sealed; that would take the longer the more there is. Instead nothing is read
/// unchecked, and ``verify(_:)`` goes over all of it in the background.
final class SegmentCheck: Sendable {
  private struct Pieces {
    var lists: [UInt64]
    var frames: [UInt64]
  }

  private let index: SealedIndex
  private let mapping: FileMapping
  private let health: StoreHealth
  /// Set when everything was checked: then a reader pays for one load.
  private let isDone = Atomic(false)
  private let checked: Mutex<Pieces>

  init(index: SealedIndex, mapping: FileMapping, health: StoreHealth) {
    self.index = index
    self.mapping = mapping
    self.health = health
    checked = Mutex(
      Pieces(
        lists: Array(repeating: 0, count: (index.groupCount + 63) / 64),
        frames: Array(repeating: 0, count: (index.frameCount + 63) / 64)))
  }

  private var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: mapping.address, count: index.summary.segmentBytes)
  }

  var isComplete: Bool { isDone.load(ordering: .acquiring) }

  /// Whether a list of the index may be read.
  @inline(__always)
  func admits(list row: Int, of index: SealedIndex) -> Bool { isComplete || checks(list: row) }

  private func checks(list row: Int) -> Bool {
    if checked.withLock({ $0.lists.contains(row) }) { return true }
    guard index.isSound(list: row) else {
      health.noteDamage()
      return false
    }
    checked.withLock { $0.lists.insert(row) }
    return true
  }

  /// To be called before a body is read. Notes when it is not what was written.
  @inline(__always)
  func check(body position: Int, count: Int) {
    if !isComplete { checkFrame(around: position, count: count) }
  }

  private func checkFrame(around position: Int, count: Int) {
    guard let frame = index.frame(at: position) else { return health.noteDamage() }
    let start = index.framePosition(frame)
    if !checked.withLock({ $0.frames.contains(frame) }) {
      guard FrameHeader.decode(bytes, at: start).map(belongs) ?? false else { return health.noteDamage() }
      checked.withLock { $0.frames.insert(frame) }
    }
    // The list of frames has no checksum: that the body lies in the frame that was checked is looked at.
    let end = start + FrameHeader.fixedBytes + Int(bytes.integer(at: start + 4, as: UInt32.self))
    if position < start + FrameHeader.fixedBytes || position + count > end { health.noteDamage() }
  }

  /// Whether a whole frame is one of this segment.
  private func belongs(_ frame: FrameHeader) -> Bool {
    frame.batch >= index.summary.firstBatch && frame.batch <= index.summary.lastBatch
  }

  /// Reads all of the segment and its index; what is damaged is noted.
  ///
  /// - Parameter goesOn: asked with the bytes just read; false ends it early.
  func verify(_ goesOn: (Int) -> Bool) {
    if isComplete { return }
    for row in 0..<index.groupCount where !checks(list: row) { return }
    guard goesOn(index.byteCount) else { return }
    // Its number is in the index, which was held against the file's name.
    guard let header = try? SegmentHeader.decode(bytes), header.number == index.summary.segment else {
      return health.noteDamage()
    }
    var position = header.byteCount
    for frame in 0..<index.frameCount {
      guard index.framePosition(frame) == position, let header = FrameHeader.decode(bytes, at: position),
        belongs(header), FrameRecord.forEach(in: bytes, frameAt: position, header: header, { _, _, _, _ in })
      else { return health.noteDamage() }
      position += FrameHeader.fixedBytes + header.payloadBytes
      guard goesOn(FrameHeader.fixedBytes + header.payloadBytes) else { return }
    }
    guard position == bytes.count else { return health.noteDamage() }
    isDone.store(true, ordering: .releasing)
  }
}

/// A set of small numbers, a bit each.
extension [UInt64] {
  fileprivate func contains(_ number: Int) -> Bool { self[number / 64] & (1 << UInt64(number % 64)) != 0 }
  fileprivate mutating func insert(_ number: Int) { self[number / 64] |= 1 << UInt64(number % 64) }
}
