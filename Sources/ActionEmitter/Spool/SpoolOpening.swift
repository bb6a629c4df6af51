import Logging

/// Opens a spool's folder: takes the lock, reads what was left, decides whether the log goes on, and makes files ahead.
///
/// The one part of a spool that blocks its caller, for some milliseconds: an emitter that cannot keep what it accepts
/// should not begin.
struct SpoolOpening {
  let folder: SpoolFolder
  let lock: SpoolDescriptor
  let logID: Int64
  let source: String
  let beganBecause: SpoolBeginning?
  var state: Spool.State

  /// - Parameter nowMilliseconds: since 1970: what a new log is named by.
  /// - Throws: `spool`.
  init(
    configuration: SpoolConfiguration, source: String, disk: SpoolDisk, nowMilliseconds: Int64, logger: Logger
  ) throws(EmitError) {
    try disk.makeDirectory(configuration.directory)
    folder = SpoolFolder(path: configuration.directory, disk: disk)
    lock = try disk.lock(configuration.directory + "/LOCK")
    self.source = source
    let contents = try folder.read()
    for path in contents.refuse { try disk.unlink(path) }
    let boot = disk.bootID().withUnsafeBytes { SpoolFormat.checksum($0) }
    let log = contents.scans.last?.header
    beganBecause = Self.beginning(contents, source: source, boot: boot)
    logID = beganBecause == nil ? log?.logID ?? 1 : max(nowMilliseconds, (log?.logID ?? 0) &+ 1, 1)
    if let beganBecause {
      logger.log(
        level: beganBecause == .new ? .notice : .warning, "the spool begins a new log",
        metadata: [
          "reason": "\(beganBecause.rawValue)", "log": "\(logID)", "directory": "\(configuration.directory)",
          "found": "\(contents.damage.joined(separator: "; "))",
        ])
    }

    // What is left of logs before is published, and written to no more.
    var files: [Spool.File] = []
    for scan in contents.scans where scan.end > SpoolFormat.headerBytes || beganBecause == nil {
      files.append(try Self.file(scan, folder, isWritable: beganBecause == nil && scan.header.logID == logID))
    }
    // Nor are those made ahead for another log, or of another size: an action might not fit.
    let isUsable = beganBecause == nil && contents.unused.allSatisfy { $0.fileBytes == configuration.fileBytes }
    if !isUsable { for header in contents.unused { try disk.unlink(folder.path(of: header.number)) } }
    state = Spool.State(
      files: files, progress: try Self.progress(contents.progress, folder, boot),
      acknowledged: SpoolPlace(file: 0, position: 0), pending: 0)
    if beganBecause == nil {
      for scan in contents.scans where scan.header.logID == logID {
        for (project, next) in scan.numbers { state.numbers.set(next, of: project) }
      }
    }
    if isUsable { for header in contents.unused { state.spare.append(try Self.unused(header, folder)) } }
    try ensureWritable(configuration, contents)
    resume(contents)
  }

  private static func beginning(_ contents: SpoolFolder.Contents, source: String, boot: UInt32) -> SpoolBeginning? {
    if contents.isEmpty { return .new }
    guard contents.damage.isEmpty, let progress = contents.progress, let log = contents.scans.last?.header else {
      return .damaged
    }
    if log.source != source { return .otherSource }
    return progress.isClosed || progress.boot == boot ? nil : .powerCut
  }

  /// Sees to it that the last file can be written to, and makes the others ahead, as many as the disk has room for.
  private mutating func ensureWritable(
    _ configuration: SpoolConfiguration, _ contents: SpoolFolder.Contents
  ) throws(EmitError) {
    // Numbers go on without a gap within a log: one would look like a file that is lost.
    let last = beganBecause == nil ? state.files.last?.header.number ?? contents.highestNumber : contents.highestNumber
    var number = (state.spare.last?.header.number ?? last) + 1
    let isAnotherNeeded = beganBecause != nil || contents.scans.last?.tail == .ended
    while state.files.count + state.spare.count < configuration.filesMax || (isAnotherNeeded && state.spare.isEmpty) {
      do throws(EmitError) {
        state.spare.append(try Self.make(number: number, logID, source, configuration, folder))
        number += 1
      } catch {
        // Fewer than asked for; maintenance tries again and says so.
        guard error.isDiskFull, !isAnotherNeeded || !state.spare.isEmpty else { throw error }
        break
      }
    }
    if isAnotherNeeded {
      state.begin(state.spare.removeFirst())
    } else if contents.scans.last?.end == SpoolFormat.headerBytes, let file = state.files.popLast() {
      state.begin(file)
    }
    try folder.disk.syncDirectory(folder.path)
  }

  /// Where publishing goes on. Both slots are written: of an entry of an earlier time nothing must be left.
  private mutating func resume(_ contents: SpoolFolder.Contents) {
    let first = SpoolPlace(file: state.files.first?.header.number ?? 1, position: SpoolFormat.headerBytes)
    state.acknowledged = max(first, contents.progress?.acknowledged ?? first)
    if let file = state.files.first, state.acknowledged.file == file.header.number {
      state.acknowledged.position = min(state.acknowledged.position, file.end)
    } else {
      state.acknowledged = first
    }
    for scan in contents.scans {
      let isFirst = scan.header.number == state.acknowledged.file
      state.pending += scan.actions(from: isFirst ? state.acknowledged.position : 0)
    }
    state.progress.store(state.acknowledged)
    state.progress.store(state.acknowledged)
  }

  private static func progress(
    _ entry: SpoolProgress.Entry?, _ folder: SpoolFolder, _ boot: UInt32
  ) throws(EmitError) -> SpoolProgress {
    let path = folder.progressPath
    if entry == nil {
      try folder.disk.create(path, head: [UInt8](repeating: 0, count: SpoolProgress.bytes), count: SpoolProgress.bytes)
    }
    return SpoolProgress(mapping: try folder.disk.map(path, count: SpoolProgress.bytes), after: entry, boot: boot)
  }

  /// Maps a file that holds actions. One that is cut is not written to: it is read as far as it goes.
  private static func file(
    _ scan: SpoolScan, _ folder: SpoolFolder, isWritable: Bool
  ) throws(EmitError) -> Spool.File {
    let mapping = try folder.disk.map(
      folder.path(of: scan.header.number), count: isWritable ? scan.header.fileBytes : scan.end)
    if isWritable, scan.tail == .torn {
      // What follows the next record has to be zero.
      UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[scan.end...]).initializeMemory(as: UInt8.self, repeating: 0)
    }
    return Spool.File(header: scan.header, mapping: mapping, end: scan.end, actionsEnd: scan.actionsEnd)
  }

  private static func unused(_ header: SpoolFormat.Header, _ folder: SpoolFolder) throws(EmitError) -> Spool.File {
    Spool.File(
      header: header, mapping: try folder.disk.map(folder.path(of: header.number), count: header.fileBytes))
  }

  static func make(
    number: UInt64, _ logID: Int64, _ source: String, _ configuration: SpoolConfiguration, _ folder: SpoolFolder
  ) throws(EmitError) -> Spool.File {
    let header = SpoolFormat.Header(fileBytes: configuration.fileBytes, logID: logID, number: number, source: source)
    try folder.disk.create(folder.path(of: number), head: SpoolFormat.encode(header), count: configuration.fileBytes)
    return try unused(header, folder)
  }
}
