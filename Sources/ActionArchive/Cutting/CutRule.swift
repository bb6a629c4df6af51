/// When an object is closed. Everything here comes from the records, so that the same records give the same objects.
package struct CutLimits: Sendable, Equatable {
  /// Lines of a cut.
  package var recordsMax = 100_000
  /// Bytes of a cut's lines, before they are packed. One line may be longer; it then has an object of its own.
  package var bytesMax = 64 << 20
  /// Projects in a cut, where each has an object of its own: open files.
  package var projectsMax = 200

  package init() {}
}

/// What is in the open cut, as far as the rule needs to know.
struct CutFill: Equatable {
  var records = 0
  var bytes = 0
  var projects: Set<String> = []
}

extension CutLimits {
  /// Whether a line has to begin a new cut. `project` is nil where projects share objects.
  func beginsNewCut(lineBytes: Int, project: String?, after fill: CutFill) -> Bool {
    guard fill.records > 0 else { return false }
    if fill.records >= recordsMax || fill.bytes + lineBytes > bytesMax { return true }
    if let project, !fill.projects.contains(project), fill.projects.count >= projectsMax { return true }
    return false
  }
}

/// The period a record is filed under: it never goes back, so that a closed period stays closed.
struct PeriodRule {
  let length: PeriodLength
  /// How far a clock other than ours may be off, in milliseconds.
  let latenessMilliseconds: Int64

  /// - Parameters:
  ///   - current: the partition's open period; nil before its first record
  ///   - isBrokersClock: the topic stamps records itself (`LogAppendTime`)
  ///
  /// A record whose time is earlier than the open period stays in the open one. So does one without a time. A time
  /// that a producer set and that lies in our future counts as now: a producer's wrong clock must not close periods
  /// that have not begun.
  func period(
    of milliseconds: Int64?, isBrokersClock: Bool, current: Int64?, nowMilliseconds: Int64
  ) -> Int64 {
    let now = length.index(ofMilliseconds: min(max(nowMilliseconds, 0), ArchiveTime.range.upperBound)) ?? 0
    guard let milliseconds, var index = length.index(ofMilliseconds: milliseconds) else { return current ?? now }
    if !isBrokersClock, index > now {
      let (limit, overflow) = nowMilliseconds.addingReportingOverflow(latenessMilliseconds)
      if !overflow, length.startMilliseconds(of: index) > limit { index = now }
    }
    return max(index, current ?? index)
  }
}
