/// The holes of a store, such that a page asks only for those before it.
struct Holes: Sendable {
  /// One partition's, without those that lie in another.
  fileprivate struct Part {
    /// Ascending by where they begin and by where they end.
    var holes: [Hole] = []
    /// Whether they were noticed in this order.
    var isTimeAscending = true
  }

  /// In the order they were noticed.
  private(set) var all: [Hole] = []
  private var parts: [Int32: Part] = [:]
  /// Those that have holes, ascending.
  private(set) var partitions: [Int32] = []

  init(_ holes: [Hole] = []) { for hole in holes { append(hole) } }

  var isEmpty: Bool { all.isEmpty }

  mutating func append(_ hole: Hole) {
    all.append(hole)
    var part = parts.removeValue(forKey: hole.partition) ?? Part()
    if part.holes.isEmpty {
      partitions.insert(hole.partition, at: partitions.firstIndex { $0 > hole.partition } ?? partitions.count)
    }
    part.insert(hole)
    parts[hole.partition] = part
  }

  /// Those of a partition that end behind an offset.
  /// - Parameter oldest: only those noticed after it; nil: all.
  func of(_ partition: Int32, behind offset: Int64, after oldest: Int64?) -> ArraySlice<Hole> {
    guard let part = parts[partition] else { return [] }
    let behind = part.holes[part.holes.firstIndex { $0.to - 1 <= offset }...]
    guard let oldest, let first = behind.first, let last = behind.last else { return behind }
    guard part.isTimeAscending else { return ArraySlice(behind.filter { $0.recordedMilliseconds > oldest }) }
    if first.recordedMilliseconds > oldest { return behind }
    if last.recordedMilliseconds <= oldest { return [] }
    return behind[behind.firstIndex { $0.recordedMilliseconds <= oldest }...]
  }
}

extension Holes.Part {
  fileprivate mutating func insert(_ hole: Hole) {
    if holes.last.map({ hole.from < $0.to }) ?? false {
      // After damage a partition is read again, and what is missing there noticed again.
      guard !holes.contains(where: { $0.from <= hole.from && hole.to <= $0.to }) else { return }
      holes.removeAll { hole.from <= $0.from && $0.to <= hole.to }
    }
    let at = holes.firstIndex { $0.from < hole.from }
    holes.insert(hole, at: at)
    if at > 0, holes[at - 1].recordedMilliseconds > hole.recordedMilliseconds { isTimeAscending = false }
    if at + 1 < holes.count, holes[at + 1].recordedMilliseconds < hole.recordedMilliseconds { isTimeAscending = false }
  }
}

extension RandomAccessCollection where Index == Int {
  /// First index for whose element `isBefore` is false; it must be true for a prefix.
  fileprivate func firstIndex(_ isBefore: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
