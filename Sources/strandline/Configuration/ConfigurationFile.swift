import AuditActions
import Yams

/// What a YAML configuration file says: settings by their key, under `kafka` properties of librdkafka, and
/// what ``EmissionSection`` reads.
///
/// The text of a scalar is taken as it stands, so that `300` and `"300"` are the same and no value is bent by YAML's
/// notion of types. Unknown and repeated keys are problems, never passed over.
struct ConfigurationFile {
  static let kafkaKey = "kafka"

  private(set) var settings: [String: GivenValue] = [:]
  private(set) var kafka: [String: GivenValue] = [:]
  /// Properties whose value is in another file: `sasl.password: {file: /run/secrets/password}`.
  private(set) var kafkaFiles: [String: GivenValue] = [:]
  private(set) var emission = EmissionSettings()
  private(set) var problems: [ConfigurationError.Problem] = []

  private let path: String

  init(parsing text: String, path: String) {
    self.path = path
    do {
      guard let root = try Yams.compose(yaml: text) else { return }
      guard let mapping = root.mapping else {
        if root.scalar?.string.isEmpty == true { return }
        report(root, "expected a mapping of settings, `key: value` on each line")
        return
      }
      for (key, value) in mapping where !EmissionSection.keys.contains(key.scalar?.string ?? "") { read(key, value) }
      let section = EmissionSection(events: mapping["events"], channels: mapping["channels"], path: path)
      emission = section.settings
      problems += section.problems
    } catch {
      problems.append(.init(origin: .file(path: path, line: nil), message: "is no valid YAML: \(Self.describe(error))"))
    }
  }

  private mutating func read(_ key: Node, _ value: Node) {
    guard let name = key.scalar?.string else { return report(key, "a key must be plain text") }
    if name == Self.kafkaKey { return readKafka(value) }
    guard Self.knownKeys.contains(name) else {
      let hint =
        Spelling.nearest(to: name, in: Self.knownKeys).map { "the nearest known one is '\($0)'" }
        ?? "'strandline config reference' lists all"
      return report(key, "unknown key '\(name)'; \(hint)")
    }
    guard let text = text(of: value, for: name) else { return }
    settings[name] = GivenValue(text: text, origin: origin(of: key))
  }

  private mutating func readKafka(_ value: Node) {
    if value.scalar?.string.isEmpty == true { return }
    guard let mapping = value.mapping else {
      return report(
        value, "'kafka' takes a mapping of librdkafka properties, for example {security.protocol: SASL_SSL}")
    }
    for (key, value) in mapping {
      guard let name = key.scalar?.string, !name.isEmpty else {
        report(key, "the name of a librdkafka property must be plain text")
        continue
      }
      if let reference = value.mapping {
        guard reference.count == 1, let path = reference["file"]?.scalar?.string, !path.isEmpty else {
          report(value, "'kafka.\(name)' takes a value, or {file: PATH} for one kept in a file")
          continue
        }
        kafkaFiles[name] = GivenValue(text: path, origin: origin(of: key))
      } else if let text = text(of: value, for: "kafka.\(name)") {
        kafka[name] = GivenValue(text: text, origin: origin(of: key))
      }
    }
  }

  private mutating func text(of node: Node, for name: String) -> String? {
    guard let scalar = node.scalar else {
      report(node, "'\(name)' takes one value, not a list or a mapping")
      return nil
    }
    let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    guard !isNull else {
      report(node, "'\(name)' has no value; leave the line out to have the default")
      return nil
    }
    return scalar.string
  }

  private mutating func report(_ node: Node, _ message: String) {
    problems.append(.init(origin: origin(of: node), message: message))
  }

  private func origin(of node: Node) -> SettingOrigin { .file(path: path, line: node.mark?.line) }

  /// Keys of the file's first level.
  static let knownKeys: [String] =
    SettingsTable.all.flatMap { [$0.key] + ($0.fileKey.map { [$0] } ?? []) } + [kafkaKey] + EmissionSection.keys

  private static func describe(_ error: any Error) -> String {
    // Yams describes a fault with the lines around it; those may hold a secret, so only its place is told.
    switch error {
    case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      "line \(mark.line), column \(mark.column): \(problem)"
    case YamlError.duplicatedKeysInMapping(let duplicates, _):
      "a key is given twice: \(duplicates.joined(separator: ", "))"
    default: "the text cannot be read"
    }
  }
}
