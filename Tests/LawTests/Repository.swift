import Foundation

/// The repository these tests stand in, as files.
enum Repository {
  /// Found from this file's place, so that the tests run from any working directory.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct File: Sendable, CustomStringConvertible {
    /// Relative to the root, for example `Sources/Kafka/KafkaError.swift`.
    let path: String
    let text: String

    var description: String { path }
    /// The code alone: see ``SwiftCode``.
    var code: String { SwiftCode.withoutCommentsAndText(text) }
  }

  static func file(_ path: String) throws -> File {
    File(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
  }

  /// The names in a folder, sorted; empty when there is no such folder.
  static func names(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
    return names.sorted()
  }

  /// Every Swift file below a folder, sorted by path.
  static func swiftFiles(in folder: String) throws -> [File] {
    guard let walk = FileManager.default.enumerator(atPath: root.appending(path: folder).path) else { return [] }
    return try walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map {
      try file("\(folder)/\($0)")
    }
  }

  /// The tracked files' paths.
  ///
  /// - Returns: nil where this is no git checkout (an unpacked release) or git is not installed.
  static func trackedPaths() throws -> [String]? {
    guard FileManager.default.fileExists(atPath: root.appending(path: ".git").path) else { return nil }
    let git = Process()
    git.executableURL = URL(filePath: "/usr/bin/env")
    git.arguments = ["git", "-C", root.path, "ls-files", "-z"]
    let output = Pipe()
    git.standardOutput = output
    try git.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    git.waitUntilExit()
    guard git.terminationStatus == 0 else { return nil }
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}
