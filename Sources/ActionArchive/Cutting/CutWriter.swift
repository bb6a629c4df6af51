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
  private let packing: PackingThreads
  private let serial: UInt64
  /// By project; nil where projects share an object, and for what belongs to no project.
  private var writers: [String?: ObjectWriter] = [:]
  /// The one that most lines go to, found without looking.
  private var common: ObjectWriter?
  let first: Int64
  /// An index of ``ArchiveLayout/period``.
  let period: Int64
  /// The offset after the last one it speaks for.
  private(set) var next: Int64
  private(set) var fill = CutFill()
  private var holes: [ClosedRange<Int64>] = []
  /// Nil before the first record.
  private(set) var lastRecordOffset: Int64?

  init(
    layout: ArchiveLayout, partition: Int32, first: Int64, period: Int64, spool: Spool, packing: PackingThreads,
    serial: UInt64
  ) {
    self.layout = layout
    self.partition = partition
    self.first = first
    self.period = period
    self.spool = spool
    self.packing = packing
    self.serial = serial
    next = first
  }

  /// Appends a record's line. `project` is nil where projects share an object.
  func append(
    _ line: UnsafeRawBufferPointer, _ kind: LineWriter.Kind, project: String?, offset: Int64, time: Int64?
  ) throws(ArchiveError) {
    try writer(project).append(line) { facts in
      if case .action = kind { facts.actions += 1 } else { facts.rejected += 1 }
      facts.note(time: time)
    }
    if let project { fill.projects.insert(project) }
    count(line.count)
    next = offset + 1
    lastRecordOffset = offset
  }

  /// Appends the statement that offsets were lost, or hold no record.
  func appendStatement(_ line: UnsafeRawBufferPointer, hole: Bool, offsets: ClosedRange<Int64>) throws(ArchiveError) {
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
    if project == nil, let common { return common }
    if let writer = writers[project] { return writer }
    let path = spool.path("\(partition).\(serial).\(writers.count)")
    let writer = try ObjectWriter(path: path, compression: layout.compression, packing: packing)
    writers[project] = writer
    if project == nil { common = writer }
    return writer
  }

  /// Ends the cut. `first` must be less than `next`.
  ///
  /// - Parameter lastRecord: the one at ``lastRecordOffset``
  func finish(lastRecord: LastRecord?) -> PendingCut {
    let start = layout.period.startMilliseconds(of: period)
    let objects = writers.map { project, writer in
      let name = ObjectName(
        project: project, topic: layout.topic, partition: partition, first: first, last: next - 1,
        startMilliseconds: start, compression: layout.compression)
      return (key: name.text, object: writer.finish())
    }
    return PendingCut(
      topic: layout.topic, partition: partition, first: first, last: next - 1, startMilliseconds: start,
      periodSeconds: layout.period.seconds, objects: objects.sorted { $0.key < $1.key }, holes: holes,
      lastRecord: lastRecord)
  }

  /// Throws away what was written. The records are still in the topic.
  func discard() {
    for writer in writers.values { removeFile(writer.path) }
    writers = [:]
    common = nil
  }
}

/// A cut whose objects are still being packed.
struct PendingCut: Sendable {
  fileprivate let topic: String
  fileprivate let partition: Int32
  fileprivate let first: Int64
  fileprivate let last: Int64
  fileprivate let startMilliseconds: Int64
  fileprivate let periodSeconds: Int64
  fileprivate let objects: [(key: String, object: PendingObject)]
  fileprivate let holes: [ClosedRange<Int64>]
  fileprivate let lastRecord: LastRecord?

  /// Waits until all its objects are packed.
  /// - Throws: `io` or `compression`.
  func built() async throws(ArchiveError) -> BuiltCut {
    var built: [BuiltCut.Object] = []
    for (key, object) in objects {
      built.append(
        BuiltCut.Object(
          record: ObjectRecord(key: key, first: first, last: last, content: try await object.content()),
          path: object.path))
    }
    let record = CutRecord(
      topic: topic, partition: partition, first: first, last: last, startMilliseconds: startMilliseconds,
      periodSeconds: periodSeconds, objects: built.map(\.record), holes: holes, lastRecord: lastRecord)
    return BuiltCut(record: record, objects: built)
  }

  func discard() {
    for object in objects { removeFile(object.object.path) }
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
}
