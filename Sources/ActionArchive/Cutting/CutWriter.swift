/// What an archive's objects look like, the same for all partitions.
package struct ArchiveLayout: Sendable, Equatable {
  package var topic: String
  package var compression: ArchiveCompression
  package var period: PeriodLength
  /// Each project has objects of its own, under a prefix of its own.
  package var byProject: Bool

  package init(
    topic: String, compression: ArchiveCompression = .gzip, period: PeriodLength = .hour, byProject: Bool = false
  ) {
    self.topic = topic
    self.compression = compression
    self.period = period
    self.byProject = byProject
  }
}

/// The open cut of a partition: consecutive offsets of one period on their way into one object (or one a project).
final class CutWriter {
  private let layout: ArchiveLayout
  private let partition: Int32
  private let spool: Spool
  private let serial: UInt64
  /// By project; nil where projects share an object, and for what belongs to no project.
  private var writers: [String?: ObjectWriter] = [:]
  let first: Int64
  /// An index of ``ArchiveLayout/period``.
  let period: Int64
  /// The offset after the last one it speaks for.
  private(set) var next: Int64
  private(set) var fill = CutFill()
  private var holes: [ClosedRange<Int64>] = []

  init(layout: ArchiveLayout, partition: Int32, first: Int64, period: Int64, spool: Spool, serial: UInt64) {
    self.layout = layout
    self.partition = partition
    self.first = first
    self.period = period
    self.spool = spool
    self.serial = serial
    next = first
  }

  /// Appends a record's line.
  func append(_ line: [UInt8], _ kind: LineWriter.Kind, offset: Int64, time: Int64?) throws(ArchiveError) {
    let project: String? = if case .action(let name) = kind { name } else { nil }
    try writer(project).append(line) { facts in
      if project != nil { facts.actions += 1 } else { facts.rejected += 1 }
      facts.note(time: time)
    }
    if layout.byProject, let project { fill.projects.insert(project) }
    count(line.count)
    next = offset + 1
  }

  /// Appends the statement that offsets were lost, or hold no record.
  func appendStatement(_ line: [UInt8], hole: Bool, offsets: ClosedRange<Int64>) throws(ArchiveError) {
    try writer(nil).append(line) { facts in
      let count = Int64(offsets.count)
      if hole { facts.holeOffsets += count } else { facts.gapOffsets += count }
    }
    if hole { holes.append(offsets) }
    count(line.count)
    next = offsets.upperBound + 1
  }

  private func count(_ bytes: Int) {
    fill.records += 1
    fill.bytes += bytes
  }

  private func writer(_ project: String?) throws(ArchiveError) -> ObjectWriter {
    let name = layout.byProject ? project : nil
    if let writer = writers[name] { return writer }
    let path = spool.path("\(partition).\(serial).\(writers.count)")
    let writer = try ObjectWriter(path: path, compression: layout.compression)
    writers[name] = writer
    return writer
  }

  /// Ends the cut. `first` must be less than `next`.
  func finish() throws(ArchiveError) -> BuiltCut {
    var objects: [BuiltCut.Object] = []
    for (project, writer) in writers {
      let name = ObjectName(
        project: project, topic: layout.topic, partition: partition, first: first, last: next - 1,
        startMilliseconds: layout.period.startMilliseconds(of: period), compression: layout.compression)
      objects.append(
        BuiltCut.Object(
          record: ObjectRecord(key: name.text, first: first, last: next - 1, content: try writer.finish()),
          path: writer.path))
    }
    objects.sort { $0.record.key < $1.record.key }
    let record = CutRecord(
      topic: layout.topic, partition: partition, first: first, last: next - 1,
      startMilliseconds: layout.period.startMilliseconds(of: period),
      periodSeconds: layout.period.seconds, objects: objects.map(\.record), holes: holes)
    return BuiltCut(record: record, objects: objects)
  }

  /// Throws away what was written. The records are still in the topic.
  func discard() {
    for writer in writers.values { removeFile(writer.path) }
    writers = [:]
  }
}

/// A cut whose objects lie in the spool, ready to be stored.
struct BuiltCut: Sendable {
  struct Object: Sendable {
    var record: ObjectRecord
    var path: String
  }

  var record: CutRecord
  var objects: [Object]

  func discard() {
    for object in objects { removeFile(object.path) }
  }
}
