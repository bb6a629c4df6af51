import Logging

/// A spool's folder, and what is found in it when it is opened.
///
/// | name | what |
/// | --- | --- |
/// | `LOCK` | locked by the process that has the spool |
/// | `<number>.spool` | see ``SpoolFormat``; those behind the last one in use are made ahead |
/// | `progress` | see ``SpoolProgress`` |
struct SpoolFolder: Sendable {
  let path: String
  let disk: SpoolDisk

  func path(of number: UInt64) -> String {
    let digits = String(number)
    return "\(path)/\(String(repeating: "0", count: max(0, 16 - digits.count)))\(digits).spool"
  }

  var progressPath: String { path + "/progress" }

  /// What is readable of what was left, and whether the log may go on.
  struct Contents {
    /// Files that hold actions, ascending, and whether they hold any that are not acknowledged.
    var scans: [SpoolScan] = []
    /// Files made ahead that may be used.
    var unused: [SpoolFormat.Header] = []
    var progress: SpoolProgress.Entry?
    /// Files to be removed: acknowledged, or of no use.
    var refuse: [String] = []
    /// The highest number of a file, readable or not.
    var highestNumber: UInt64 = 0
    /// What is wrong with what was left, a sentence each.
    var damage: [String] = []
    var isEmpty = true
  }

  /// Reads everything and verifies every checksum.
  /// - Throws: `spool` when a file cannot be read at all, or was written by a newer version.
  func read() throws(EmitError) -> Contents {
    var contents = Contents()
    let progress = try disk.contents(of: progressPath, bytesMax: SpoolProgress.bytes)
    contents.progress = progress.flatMap { bytes in bytes.withUnsafeBytes { SpoolProgress.read($0) } }
    var scans: [SpoolScan] = []
    for name in try disk.names(in: path) {
      if name.hasSuffix(".new") { contents.refuse.append("\(path)/\(name)") }
      guard name.hasSuffix(".spool"), let number = UInt64(name.dropLast(6)), number > 0, number < 1 << 53 else {
        continue
      }
      contents.isEmpty = false
      contents.highestNumber = max(contents.highestNumber, number)
      guard let bytes = try disk.contents(of: "\(path)/\(name)", bytesMax: 268_435_456) else { continue }
      switch bytes.withUnsafeBytes({ SpoolFormat.decode($0) }) {
      case .newerVersion:
        throw EmitError(.spool, "\(path)/\(name) was written by a newer version", hint: "start that version instead")
      case .damaged:
        contents.damage.append("the head of \(name) is not readable")
        contents.refuse.append("\(path)/\(name)")
      case .whole(let header) where header.number != number:
        contents.damage.append("\(name) is file \(header.number)")
        contents.refuse.append("\(path)/\(name)")
      case .whole(let header):
        scans.append(bytes.withUnsafeBytes { SpoolScan(header, $0) })
      }
    }
    if progress != nil || !contents.isEmpty { judge(scans, &contents) }
    return contents
  }

  /// Finds out what is missing, and what of the rest is still of use.
  ///
  /// Only the log that was written to last can be missed: what is wrong with one before it was told when that was
  /// given up, and what is left of it is published all the same.
  private func judge(_ scans: [SpoolScan], _ contents: inout Contents) {
    contents.isEmpty = false
    let acknowledged = contents.progress?.acknowledged ?? SpoolPlace(file: 0, position: 0)
    if contents.progress == nil { contents.damage.append("the file progress is missing or damaged") }
    for scan in scans where scan.header.number < acknowledged.file {
      contents.refuse.append(path(of: scan.header.number))
    }
    let live = scans.filter { $0.header.number >= acknowledged.file }
    if contents.progress != nil, live.first?.header.number != acknowledged.file {
      contents.damage.append("file \(acknowledged.file) is missing")
    }
    if let first = live.first, first.header.number == acknowledged.file, acknowledged.position > first.end {
      contents.damage.append("file \(acknowledged.file) ends before what was acknowledged of it")
    }
    let log = live.last?.header.logID
    for (left, right) in zip(live, live.dropFirst()) where left.header.logID == log {
      if right.header.number != left.header.number + 1 {
        contents.damage.append("between files \(left.header.number) and \(right.header.number) some are missing")
      } else if left.tail == .open || left.tail == .torn, !right.isUnused {
        contents.damage.append("file \(left.header.number) has lost its end")
      }
    }
    for scan in live where scan.header.logID == log && scan.tail == .damaged {
      contents.damage.append("file \(scan.header.number) is damaged at byte \(scan.end)")
    }
    // The next file is there before the end of one is written.
    if let last = live.last, last.tail == .ended {
      contents.damage.append("the file after \(last.header.number) is missing")
    }
    let inUse = live.lastIndex { !$0.isUnused } ?? live.startIndex
    for (index, scan) in live.enumerated() {
      if index > inUse { contents.unused.append(scan.header) } else { contents.scans.append(scan) }
    }
  }
}
