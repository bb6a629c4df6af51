import Foundation

/// Where targets that need files have them: memory where the system lends some as a file system, since the store
/// syncs, and what is tested here is not the disk.
enum Scratch {
  nonisolated(unsafe) private static var folder = ""
  private static let counter = Counter()

  static func make() -> String {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory) ? memory : FileManager.default.temporaryDirectory.path
    folder = "\(parent)/strandline-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }

  /// A name in the folder that nobody has.
  static func path(_ name: String) -> String { "\(folder)/\(name)-\(counter.next())" }
}
