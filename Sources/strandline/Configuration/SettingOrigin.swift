/// Where the effective value of a setting came from; for `config print` and for errors.
enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
  case flag(String)
  case environment(String)
  case file(path: String, line: Int?)
  case builtIn

  var description: String {
    switch self {
    case .flag(let name): "flag \(name)"
    case .environment(let name): "environment \(name)"
    case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
    case .builtIn: "default"
    }
  }
}

/// A text given for a setting, before it is known to be any good.
struct GivenValue: Sendable, Equatable {
  var text: String
  var origin: SettingOrigin
}

/// What is wrong with a configuration: every problem found, not only the first.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  struct Problem: Sendable, Equatable, CustomStringConvertible {
    let origin: SettingOrigin
    let message: String

    var description: String { origin == .builtIn ? message : "\(origin): \(message)" }
  }

  let problems: [Problem]

  /// All of it was typed on the command line, so that it is a usage error and not one of the installation. A file that
  /// cannot be read is one of the installation, whoever named it.
  var isUsage: Bool {
    problems.allSatisfy { problem in
      if case .flag(let name) = problem.origin { name != "--config" } else { problem.origin == .builtIn }
    }
  }

  var description: String { problems.map(\.description).joined(separator: "\n") }
}
