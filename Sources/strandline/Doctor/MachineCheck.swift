import ActionStore
import Foundation

/// Looks at this machine: the data directory, the disk and the addresses.
struct MachineCheck {
  /// Free space below which a node will soon stand still.
  static let freeBytesFail = 64 << 20
  static let freeBytesWarn = 1 << 30
  static let directoryVersion = ActionStore.directoryVersion

  let directory: String
  let budgetBytes: Int

  func findings() -> [Finding] { directoryFindings() + diskFindings() }

  private func directoryFindings() -> [Finding] {
    let subject = "data \(directory)"
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      let parent = existingParent
      if let reason = Self.obstacle(toMakingADirectoryIn: parent) {
        return [
          .fail(
            subject, "does not exist and cannot be created in \(parent): \(reason)",
            mend: "create it for this user, or name another with --data")
        ]
      }
      return [.ok(subject, "does not exist yet and can be created")]
    }
    guard isDirectory.boolValue else {
      return [.fail(subject, "is no directory", mend: "name a directory with --data")]
    }
    guard access(directory, R_OK | W_OK | X_OK) == 0 else {
      return [.fail(subject, "may not be written by this user", mend: "chown it to the user the node runs as")]
    }
    return [versionFinding(subject), lockFinding(subject)]
  }

  /// What the system says to a new directory there; nil when it lets one be made, which is removed again at once.
  /// Rights alone do not tell: /proc, a read-only mount or a full disk refuse what the rights allow.
  private static func obstacle(toMakingADirectoryIn parent: String) -> String? {
    var template = Array((parent + "/.strandline-doctor-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { return String(cString: strerror(errno)) }
    rmdir(template)
    return nil
  }

  private func versionFinding(_ subject: String) -> Finding {
    guard let text = try? String(contentsOfFile: directory + "/VERSION", encoding: .utf8) else {
      return .ok(subject, "is empty or new, and can be written")
    }
    guard let version = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      return .fail(
        subject, "its VERSION is no number", mend: "is it a data directory of Strandline? Name another with --data")
    }
    guard version <= Self.directoryVersion else {
      return .fail(
        subject, "has layout version \(version), this Strandline reads up to \(Self.directoryVersion)",
        mend: "start the newer Strandline, or name an empty directory: it is rebuilt from the topic")
    }
    return .ok(subject, "layout version \(version), can be written")
  }

  private func lockFinding(_ subject: String) -> Finding {
    let descriptor = open(directory + "/LOCK", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return .ok(subject, "no process uses it") }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      return .warn(subject, "a process uses it now", mend: "a second node needs a directory of its own (--data)")
    }
    return .ok(subject, "no process uses it")
  }

  private func diskFindings() -> [Finding] {
    var status = statvfs()
    let place = existingParent
    guard statvfs(place, &status) == 0 else {
      return [
        .warn("disk", "free space of \(place) is not known: \(String(cString: strerror(errno)))", mend: "look with df")
      ]
    }
    let free = Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    return [Self.disk(free: free, budget: budgetBytes)]
  }

  static func disk(free: Int, budget: Int) -> Finding {
    let text = "\(ByteCount.describe(free)) free"
    if free < freeBytesFail {
      return .fail("disk", "\(text): ingest will stand still", mend: "make room, or name another directory with --data")
    }
    if free < freeBytesWarn {
      return .warn("disk", text, mend: "make room: when it is full, ingest waits until actions expire")
    }
    if budget > free {
      return .warn(
        "disk", "\(text), less than the budget of \(ByteCount.describe(budget))",
        mend: "make room or lower --store-budget-bytes")
    }
    return .ok("disk", text)
  }

  /// The directory, or the nearest one above it that exists.
  private var existingParent: String {
    var url = URL(filePath: directory).standardizedFileURL
    while !FileManager.default.fileExists(atPath: url.path), url.path != "/" { url.deleteLastPathComponent() }
    return url.path
  }

  static func address(_ address: NetworkAddress, flag: String) -> Finding {
    guard let obstacle = PortCheck.obstacle(address) else { return .ok("address \(address)", "can be listened on") }
    return .warn(
      "address \(address)", obstacle, mend: "if that is not a node already running, choose another with \(flag)")
  }
}
