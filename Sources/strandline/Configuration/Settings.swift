/// The effective configuration: for every setting its value and where that came from, all of them valid.
struct Settings: Sendable {
  struct Resolved: Sendable, Equatable {
    let text: String
    let origin: SettingOrigin
  }

  let resolved: [String: Resolved]
  /// In alphabetical order.
  let kafkaProperties: [KafkaProperty]
  /// Event types and channels; only a file has them.
  let emission: EmissionSettings

  /// The value, or nil where there is none and no default.
  subscript<Value>(_ setting: Setting<Value>) -> Value? {
    // What is in `resolved` has been parsed once already.
    resolved[setting.definition.key].flatMap { try? setting.parse($0.text) }
  }

  /// The value of a setting that a command cannot do without.
  func value<Value>(_ setting: Setting<Value>) throws(ConfigurationError) -> Value {
    if let value = self[setting] { return value }
    let definition = setting.definition
    throw ConfigurationError(problems: [
      .init(
        origin: .builtIn,
        message: "\(definition.flag) is missing (\(definition.summary)); it may also be given as "
          + "\(definition.environmentName) or as '\(definition.key)' in the configuration file")
    ])
  }

  func origin(of definition: SettingDefinition) -> SettingOrigin { resolved[definition.key]?.origin ?? .builtIn }

  /// Given by somebody, and not just the default.
  func isGiven(_ definition: SettingDefinition) -> Bool { origin(of: definition) != .builtIn }

  static func load(from sources: ConfigurationSources) throws(ConfigurationError) -> Settings {
    var loading = SettingsLoading(sources)
    let settings = loading.settings()
    guard loading.problems.isEmpty else { throw ConfigurationError(problems: loading.problems) }
    return settings
  }
}

/// Everything a configuration is made from, as data, so that tests need neither a process environment nor a disk.
struct ConfigurationSources {
  /// Values of flags by the key of their setting; for a secret also by the key of its file.
  var flags: [String: String] = [:]
  /// Texts of `--kafka-property`.
  var kafkaProperties: [String] = []
  /// What `--config` named.
  var configPath: String?
  var environment: [String: String] = [:]
  /// The text of a file, or what is wrong with it.
  var readFile: (_ path: String) throws(SettingFault) -> String

  /// What `--config` or its variable names.
  var path: String? {
    configPath ?? environment[ConfigurationEnvironment.configVariable].flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// One run over the sources, from the strongest to the weakest.
private struct SettingsLoading {
  private let sources: ConfigurationSources
  private let environment: ConfigurationEnvironment
  private let file: ConfigurationFile
  private(set) var problems: [ConfigurationError.Problem] = []

  init(_ sources: ConfigurationSources) {
    self.sources = sources
    environment = ConfigurationEnvironment(reading: sources.environment)
    var problems = environment.problems
    if let path = sources.path {
      do {
        file = ConfigurationFile(parsing: try sources.readFile(path), path: path)
        problems += file.problems
      } catch {
        file = ConfigurationFile(parsing: "", path: path)
        problems.append(
          .init(
            origin: sources.configPath == nil ? .environment("STRANDLINE_CONFIG") : .flag("--config"),
            message: "\(error)"))
      }
    } else {
      file = ConfigurationFile(parsing: "", path: "")
    }
    self.problems = problems
  }

  mutating func settings() -> Settings {
    var resolved: [String: Settings.Resolved] = [:]
    for definition in SettingsTable.all {
      if let given = given(definition) {
        do {
          try definition.check(given.text)
          resolved[definition.key] = .init(text: given.text, origin: given.origin)
        } catch {
          // A flag or variable names the setting already.
          if case .file = given.origin {
            report(given.origin, "\(definition.key): \(error)")
          } else {
            report(given.origin, "\(error)")
          }
        }
      } else if let text = definition.defaultText {
        resolved[definition.key] = .init(text: text, origin: .builtIn)
      }
    }
    let deadLetter = SettingsTable.deadLetterTopic.definition.key
    if resolved[deadLetter] == nil, let topic = resolved[SettingsTable.topic.definition.key] {
      resolved[deadLetter] = .init(text: topic.text + ".dlq", origin: .builtIn)
    }
    return Settings(resolved: resolved, kafkaProperties: kafkaProperties(), emission: file.emission)
  }

  /// The strongest source that says anything; on one level a value and a file with the value exclude each other.
  private mutating func given(_ definition: SettingDefinition) -> GivenValue? {
    let levels: [(String) -> GivenValue?] = [
      { [sources] key in sources.flags[key].map { GivenValue(text: $0, origin: .flag("--" + key)) } },
      { [environment] key in environment.settings[key] },
      { [file] key in file.settings[key] },
    ]
    for level in levels {
      let value = level(definition.key)
      guard let fileKey = definition.fileKey, let path = level(fileKey) else {
        if let value { return value }
        continue
      }
      if let value {
        report(path.origin, "\(definition.key) is given twice: as a value and as a file")
        return value
      }
      return read(path)
    }
    return nil
  }

  private mutating func kafkaProperties() -> [KafkaProperty] {
    var found: [String: GivenValue] = [:]
    for (values, files) in [(file.kafka, file.kafkaFiles), (environment.kafka, environment.kafkaFiles)] {
      for (name, path) in files {
        if values[name] != nil { report(path.origin, "\(name) is given twice: as a value and as a file") }
        if let value = read(path) { found[name] = value }
      }
      found.merge(values) { _, value in value }
    }
    for text in sources.kafkaProperties {
      guard let (name, value) = KafkaProperty.split(text) else {
        report(.flag("--kafka-property"), "write it as key=value, for example security.protocol=SASL_SSL")
        continue
      }
      found[name] = GivenValue(text: value, origin: .flag("--kafka-property"))
    }
    for (name, given) in found {
      if let fault = KafkaProperty.fault(ofName: name) { report(given.origin, fault) }
    }
    return found.sorted { $0.key < $1.key }.map {
      KafkaProperty(name: $0.key, value: $0.value.text, origin: $0.value.origin)
    }
  }

  /// The content of a file that holds one value; editors and `echo` leave a line end after it.
  private mutating func read(_ path: GivenValue) -> GivenValue? {
    do {
      let text = try sources.readFile(path.text)
      let lineEnd = text.lastIndex { !$0.isNewline }.map { text.index(after: $0) } ?? text.startIndex
      return GivenValue(text: String(text[..<lineEnd]), origin: path.origin)
    } catch {
      report(path.origin, "\(error)")
      return nil
    }
  }

  private mutating func report(_ origin: SettingOrigin, _ message: String) {
    problems.append(.init(origin: origin, message: message))
  }
}
