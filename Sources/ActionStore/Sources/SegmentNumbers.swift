import Synchronization

/// Which numbers of which logs lie in a segment: of each log the lowest and the highest, and the frames that hold any.
///
/// A segment that is written to is told of every frame; a sealed one is looked at when somebody asks for numbers for
/// the first time, which reads the head of each frame and the numbers of those that have some. Kept in memory from then
/// on, with 4 bytes a frame and some hundred bytes a log.
final class SegmentNumbers: Sendable {
  /// Most logs whose spans a segment keeps. Beyond that it is looked through for every log.
  static let spansMax = 4_096

  private struct State {
    var spans: [SourceLogKey: ClosedRange<Int64>] = [:]
    var isOverfull = false
    var frames: [UInt32] = []
    var isRead: Bool

    mutating func note(frame: Int, _ found: [SourceLogKey: ClosedRange<Int64>]) {
      frames.append(UInt32(truncatingIfNeeded: frame))
      guard !isOverfull else { return }
      for (key, span) in found {
        let known = spans[key] ?? span
        spans[key] = min(known.lowerBound, span.lowerBound)...max(known.upperBound, span.upperBound)
      }
      if spans.count > SegmentNumbers.spansMax {
        spans = [:]
        isOverfull = true
      }
    }
  }

  private let state: Mutex<State>

  init(isRead: Bool) { state = Mutex(State(isRead: isRead)) }

  /// The writer's, before the actions become visible.
  func note(frame: Int, _ spans: [SourceLogKey: ClosedRange<Int64>]) {
    state.withLock { $0.note(frame: frame, spans) }
  }

  /// The same for a frame that was read and whose checksum was right.
  func note(frame: Int, in bytes: UnsafeRawBufferPointer) {
    let spans = Self.spans(in: bytes, frameAt: frame)
    if !spans.isEmpty { note(frame: frame, spans) }
  }

  /// The frames that may hold numbers of a log, and between which bounds; nil when none does.
  func find(
    _ key: SourceLogKey, in index: Segment.Index, _ bytes: UnsafeRawBufferPointer, check: SegmentCheck?
  ) -> (span: ClosedRange<Int64>, frames: [UInt32])? {
    state.withLock { state in
      if !state.isRead, case .sealed(let sealed) = index {
        Self.read(sealed, bytes, check: check, &state)
        state.isRead = true
      }
      guard let span = state.isOverfull ? 1...Int64.max : state.spans[key] else { return nil }
      return (span, state.frames)
    }
  }

  private static func read(
    _ index: SealedIndex, _ bytes: UnsafeRawBufferPointer, check: SegmentCheck?, _ state: inout State
  ) {
    for number in 0..<index.frameCount {
      let start = index.framePosition(number)
      // That it has numbers is taken from a head that nobody has looked at; what they are is not.
      guard let frame = NumberedFrame(bytes, at: start), frame.numbersStart > 0 else { continue }
      check?.check(body: start + FrameHeader.fixedBytes, count: 0)
      let spans = Self.spans(in: bytes, frameAt: start)
      if !spans.isEmpty { state.note(frame: start, spans) }
    }
  }

  private static func spans(
    in bytes: UnsafeRawBufferPointer, frameAt start: Int
  ) -> [SourceLogKey: ClosedRange<Int64>] {
    var spans: [SourceLogKey: ClosedRange<Int64>] = [:]
    NumberBlock.forEach(in: bytes, frameAt: start) { block in
      if let span = block.span { spans[block.key] = span }
    }
    return spans
  }
}
