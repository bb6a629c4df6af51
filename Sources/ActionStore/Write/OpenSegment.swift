/// A segment the writer appends to.
final class OpenSegment {
  let segment: Segment
  let index: OpenIndex
  let file: FileDescriptor
  let createdMilliseconds: Int64
  let path: String
  /// Bytes written and kept. Beyond it a failed write may have left a torn frame until it is cut off.
  var length: Int
  var isTorn = false
  var isDirty = true
  let firstBatch: UInt64
  var lastBatch: UInt64
  var coverage: [Int32: Range<Int64>] = [:]
  /// Where each frame begins.
  var frames: [UInt32] = []

  init(
    segment: Segment, index: OpenIndex, file: FileDescriptor, createdMilliseconds: Int64, path: String, length: Int,
    firstBatch: UInt64, lastBatch: UInt64
  ) {
    self.segment = segment
    self.index = index
    self.file = file
    self.createdMilliseconds = createdMilliseconds
    self.path = path
    self.length = length
    self.firstBatch = firstBatch
    self.lastBatch = lastBatch
  }

  /// What its index file begins with.
  var summary: IndexFile.Summary {
    IndexFile.Summary(
      segment: segment.number, segmentBytes: length, lane: segment.lane, firstBatch: firstBatch, lastBatch: lastBatch,
      latestExpiry: segment.latestExpiryMilliseconds, coverage: coverage)
  }

  func extendCoverage(by parts: [FrameHeader.Coverage]) {
    for part in parts where part.first < part.next {
      coverage.extend(partition: part.partition, part.first..<part.next)
    }
  }
}

extension [Int32: Range<Int64>] {
  mutating func extend(partition: Int32, _ range: Range<Int64>) {
    guard let known = self[partition] else {
      self[partition] = range
      return
    }
    self[partition] = Swift.min(known.lowerBound, range.lowerBound)..<Swift.max(known.upperBound, range.upperBound)
  }
}

/// The names of a segment's files, inside `segments/`.
struct SegmentPaths {
  let directory: String

  func segment(_ number: UInt64) -> String { "\(directory)/\(Self.name(number)).segment" }
  func index(_ number: UInt64) -> String { "\(directory)/\(Self.name(number)).index" }

  static func name(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }

  /// The number in the name of a segment file, nil for any other name.
  static func number(ofSegmentNamed name: String) -> UInt64? {
    guard name.hasSuffix(".segment") else { return nil }
    return UInt64(name.dropLast(".segment".count))
  }
}
