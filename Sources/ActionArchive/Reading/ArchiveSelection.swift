/// Which part of an archive is asked for. Everything that is left out is not restricted.
package struct ArchiveSelection: Sendable, Equatable {
  package var topic: String
  package var partition: Int32?
  package var offsets: ClosedRange<Int64> = 0...Int64.max - 1
  package var project: String?
  package var queue: String?
  /// Any of these.
  package var events: [String] = []
  /// Record time in milliseconds since 1970: from, and up to without.
  package var fromMilliseconds: Int64?
  package var toMilliseconds: Int64?

  package init(topic: String) { self.topic = topic }

  /// How far an action's own time may lie from the period it is filed under, when it is looked for by time. Actions that
  /// came later than that, or with a clock further off, are found by offset.
  static let filedAwayMilliseconds: Int64 = 86_400_000

  var choosesActions: Bool { project != nil || queue != nil || !events.isEmpty }

  /// Whether an object can hold something of it, by its name.
  func admits(_ name: ObjectName) -> Bool {
    guard name.topic == topic, partition.map({ $0 == name.partition }) ?? true,
      name.first <= offsets.upperBound, name.last >= offsets.lowerBound
    else { return false }
    if let wanted = project, let project = name.project, project != wanted { return false }
    return name.date >= firstDate && name.date <= lastDate
  }

  /// Dates of objects, the first and the last that matter.
  var firstDate: String { fromMilliseconds.map { Self.date($0, -Self.filedAwayMilliseconds) } ?? "" }
  var lastDate: String { toMilliseconds.map { Self.date($0, Self.filedAwayMilliseconds) } ?? "~" }

  private static func date(_ milliseconds: Int64, _ distance: Int64) -> String {
    let (moved, overflow) = milliseconds.addingReportingOverflow(distance)
    return ArchiveTime.dateAndHour(overflow ? milliseconds : moved).date
  }

  func admits(_ line: ArchivedLine) -> Bool {
    guard line.offsets.overlaps(offsets) else { return false }
    if let fromMilliseconds, (line.milliseconds ?? .min) < fromMilliseconds { return false }
    if let toMilliseconds, (line.milliseconds ?? .max) >= toMilliseconds { return false }
    guard choosesActions else { return true }
    guard line.kind == .action else { return false }
    if let project, line.project != project { return false }
    if let queue, line.queue != queue { return false }
    return events.isEmpty || line.event.map { events.contains($0) } ?? false
  }
}
