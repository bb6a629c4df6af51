/// Where an emitter keeps its actions until Kafka has them, and how much of them.
///
/// The spool is a folder of its own for each emitter. It holds `filesMax` files of `fileBytes`, whose room on disk is
/// taken when the emitter begins, so that a disk that fills up later takes nothing away.
public struct SpoolConfiguration: Sendable, Hashable {
  /// The folder; made when there is none. One process at a time may have it.
  public var directory: String
  /// Most files: 2…1,000. As in Apache ACE's target log: 10.
  public var filesMax = 10
  /// Bytes of a file: 524,288 (the largest action fits)…268,435,456.
  public var fileBytes = 1_048_576
  /// How often what was accepted is synced to the disk. An accepted action survives the end of the process, however
  /// it ends, at any setting; a power cut or a crash of the system may take those of the last interval.
  public var syncInterval: Duration = .seconds(1)

  public init(directory: String) {
    self.directory = directory
  }

  /// - Throws: `invalid_configuration`, naming the member at fault.
  func validated() throws(EmitError) {
    guard !directory.isEmpty, !directory.utf8.contains(0) else { throw .configuration("spool.directory is empty") }
    guard (2...1_000).contains(filesMax) else { throw .configuration("spool.filesMax is 2 to 1,000") }
    guard (524_288...268_435_456).contains(fileBytes) else {
      throw .configuration("spool.fileBytes is 524,288 to 268,435,456")
    }
    guard syncInterval >= .milliseconds(1), syncInterval <= .seconds(3_600) else {
      throw .configuration("spool.syncInterval is 1 ms to 1 h")
    }
  }
}

/// What an emitter's spool holds.
public struct SpoolStatus: Sendable, Hashable {
  /// Which log of the source the actions accepted now are numbered in: the milliseconds since 1970 when it began.
  public var logID: Int64
  /// Actions in the spool that Kafka has not acknowledged, those of earlier processes included.
  public var pending: Int
  /// Files that hold actions, out of ``SpoolConfiguration/filesMax``.
  public var filesInUse: Int
  /// Why this log was begun when the spool was opened; nil when it goes on with the log it had.
  public var beganBecause: SpoolBeginning?
}

/// Where an action stands in its source's log.
public struct SpooledPosition: Hashable, Sendable, CustomStringConvertible {
  /// The log: the milliseconds since 1970 when it began.
  public let logID: Int64
  /// The action's number in it, from 1 for each project.
  public let sequence: Int64

  public init(logID: Int64, sequence: Int64) {
    self.logID = logID
    self.sequence = sequence
  }

  public var description: String { "log \(logID), number \(sequence)" }
}

/// Why a spool begins a new log id. The raw value is the `reason` label of `strandline_spool_logs_begun_total`.
public enum SpoolBeginning: String, Sendable, Hashable, CaseIterable {
  /// There was no spool: it is new, or it was lost.
  case new
  /// A file is missing, cut or changed. What is readable of it is published under its old log id.
  case damaged
  /// The spool belonged to another source.
  case otherSource = "other_source"
  /// The system has gone down without the spool having been closed: its last numbers may have been published, and be
  /// on disk no more.
  case powerCut = "power_cut"
}
