import Foundation

/// A directory of `dev` that lives as long as the process.
enum TemporaryDirectory {
  static func make() throws(CommandFailure) -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "strandline-dev-\(UUID().uuidString.lowercased())")
    do {
      try FileManager.default.createDirectory(
        at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandFailure(
        .input, "no temporary directory can be made (\(error.localizedDescription)); name one with --data DIR")
    }
    return url.path
  }

  /// What cannot be removed stays; it is a temporary directory.
  static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
