import ArgumentParser

/// A group of flags that set rows of the settings table.
protocol SettingFlags: ParsableArguments {
  /// The values given on the command line, by the key of the setting (or of a secret's file); nil when not given.
  var given: [(key: String, text: String?)] { get }
}

extension Option where Value == String? {
  /// The flag of a setting: name, help, default and completion come from the table.
  init<Typed>(_ setting: Setting<Typed>) {
    let definition = setting.definition
    self.init(
      name: .customLong(definition.key), help: .setting(definition), completion: definition.completion.kind)
  }

  /// The flag of a setting that a command uses only when it is given, whatever default others have.
  /// - Parameter absence: what holds else, for the help.
  init<Typed>(_ setting: Setting<Typed>, otherwise absence: String) {
    let definition = setting.definition
    self.init(
      name: .customLong(definition.key), help: .setting(definition, otherwise: absence),
      completion: definition.completion.kind)
  }

  /// The flag that names a file holding a secret.
  init<Typed>(fileOf setting: Setting<Typed>) {
    let definition = setting.definition
    self.init(
      name: .customLong(definition.key + "-file"),
      help: ArgumentHelp("File that holds the value of \(definition.flag).", valueName: "FILE"), completion: .file())
  }
}

extension Flag where Value == Bool {
  /// A setting that is switched on by naming it.
  init(wrappedValue: Bool, _ setting: Setting<Bool>) {
    self.init(
      wrappedValue: wrappedValue, name: .customLong(setting.definition.key), help: .setting(setting.definition))
  }
}

extension ArgumentHelp {
  fileprivate static func setting(_ definition: SettingDefinition, otherwise absence: String? = nil) -> ArgumentHelp {
    var text = definition.summary
    if let range = definition.range, !definition.isSwitch, definition.completion == .none { text += ": \(range)" }
    if let absence { text += "; without it, \(absence)" }
    text += "."
    if absence == nil, let value = definition.defaultText, !definition.isSwitch { text += " (default: \(value))" }
    return ArgumentHelp(stringLiteral: text).with(valueName: definition.valueName)
  }

  private func with(valueName: String) -> ArgumentHelp {
    var copy = self
    copy.valueName = valueName
    return copy
  }
}

extension SettingCompletion {
  fileprivate var kind: CompletionKind? {
    switch self {
    case .none: nil
    case .file: .file()
    case .directory: .directory
    case .list(let names): .list(names)
    }
  }
}

/// Of every command: where the configuration is and how to log.
struct CommonFlags: SettingFlags {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("Configuration file in YAML; STRANDLINE_CONFIG names one as well.", valueName: "FILE"),
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  @Option(SettingsTable.logLevel) var logLevel: String?
  @Option(SettingsTable.logFormat) var logFormat: String?
  @Flag(SettingsTable.json) var json: Bool = false

  var given: [(key: String, text: String?)] {
    [("log-level", logLevel), ("log-format", logFormat), ("json", json ? "true" : nil)]
  }
}

/// How to reach Kafka.
struct BrokerFlags: SettingFlags {
  @Option(SettingsTable.bootstrapServers) var bootstrapServers: String?

  @Option(
    name: .customLong("kafka-property"), parsing: .singleValue,
    help: ArgumentHelp(
      "Property of librdkafka, for example security.protocol=SASL_SSL. May be given several times. Give secrets as "
        + "STRANDLINE_KAFKA__SASL_PASSWORD_FILE or in the configuration file: flags are seen by everyone on the machine.",
      valueName: "KEY=VALUE"))
  var kafkaProperties: [String] = []

  var given: [(key: String, text: String?)] { [("bootstrap-servers", bootstrapServers)] }
}

/// Which events are emitted.
struct EmissionFlags: SettingFlags {
  @Flag(SettingsTable.strictEvents) var strictEvents: Bool = false
  var given: [(key: String, text: String?)] { [("strict-events", strictEvents ? "true" : nil)] }
}

/// Which topic.
struct TopicFlags: SettingFlags {
  @Option(SettingsTable.topic) var topic: String?
  var given: [(key: String, text: String?)] { [("topic", topic)] }
}

/// Where records go that break the contract.
struct DeadLetterFlags: SettingFlags {
  @Option(SettingsTable.deadLetterTopic) var deadLetterTopic: String?
  var given: [(key: String, text: String?)] { [("dead-letter-topic", deadLetterTopic)] }
}

/// Where the metadata of queues is.
struct QueuesTopicFlags: SettingFlags {
  @Option(SettingsTable.queuesTopic) var queuesTopic: String?
  var given: [(key: String, text: String?)] { [("queues-topic", queuesTopic)] }
}

/// The same for those who follow it only when told to.
struct FollowedQueuesFlags: SettingFlags {
  @Option(SettingsTable.queuesTopic, otherwise: "none is followed") var queuesTopic: String?
  var given: [(key: String, text: String?)] { [("queues-topic", queuesTopic)] }
}

/// The store of a node.
struct StoreFlags: SettingFlags {
  @Option(SettingsTable.data) var data: String?
  @Option(SettingsTable.defaultTTL) var defaultTTL: String?
  @Option(SettingsTable.auditDefault) var auditDefault: String?
  @Option(SettingsTable.storeBudget) var storeBudget: String?

  var given: [(key: String, text: String?)] {
    [
      ("data", data), ("default-ttl", defaultTTL), ("audit-default", auditDefault),
      ("store-budget-bytes", storeBudget),
    ]
  }
}

/// The feed of a node.
struct FeedFlags: SettingFlags {
  @Option(SettingsTable.listen) var listen: String?
  @Option(SettingsTable.managementListen) var managementListen: String?
  @Option(SettingsTable.markerKey) var markerKey: String?
  @Option(fileOf: SettingsTable.markerKey) var markerKeyFile: String?
  @Option(SettingsTable.stalenessBound) var stalenessBound: String?
  @Option(SettingsTable.archiveURL) var archiveURL: String?
  @Option(SettingsTable.aceQueue) var aceQueue: String?
  @Option(SettingsTable.shutdownTimeout) var shutdownTimeout: String?

  var given: [(key: String, text: String?)] {
    [
      ("listen", listen), ("management-listen", managementListen), ("marker-key", markerKey),
      ("marker-key-file", markerKeyFile), ("staleness-bound", stalenessBound), ("archive-url", archiveURL),
      ("ace-queue", aceQueue),
      ("shutdown-timeout", shutdownTimeout),
    ]
  }
}

/// The simulated workers of `dev`.
struct DemoFlags: SettingFlags {
  @Flag(SettingsTable.demo) var demo: Bool = false
  var given: [(key: String, text: String?)] { [("demo", demo ? "true" : nil)] }
}

/// A topic that is created.
struct TopicCreationFlags: SettingFlags {
  @Option(SettingsTable.partitions) var partitions: String?
  @Option(SettingsTable.replicationFactor) var replicationFactor: String?
  @Option(SettingsTable.retentionHours) var retentionHours: String?

  var given: [(key: String, text: String?)] {
    [("partitions", partitions), ("replication-factor", replicationFactor), ("retention-hours", retentionHours)]
  }
}

/// Which project.
struct ProjectFlags: SettingFlags {
  @Option(SettingsTable.project) var project: String?
  var given: [(key: String, text: String?)] { [("project", project)] }
}

/// Which queue.
struct QueueFlags: SettingFlags {
  @Option(SettingsTable.project) var project: String?
  @Option(SettingsTable.queue) var queue: String?
  var given: [(key: String, text: String?)] { [("project", project), ("queue", queue)] }
}

/// One action.
struct ActionFlags: SettingFlags {
  @Option(SettingsTable.event) var event: String?
  @Option(SettingsTable.details) var details: String?
  @Option(SettingsTable.ttl) var ttl: String?
  var given: [(key: String, text: String?)] { [("event", event), ("details", details), ("ttl", ttl)] }
}

/// What is emitted with each action to prove it by.
struct SealFlags: SettingFlags {
  @Flag(SettingsTable.checksum) var checksum: Bool = false
  @Option(SettingsTable.actionSigningKey) var actionSigningKey: String?
  @Option(fileOf: SettingsTable.actionSigningKey) var actionSigningKeyFile: String?
  var given: [(key: String, text: String?)] {
    [
      ("checksum", checksum ? "true" : nil), ("action-signing-key", actionSigningKey),
      ("action-signing-key-file", actionSigningKeyFile),
    ]
  }
}

/// Whose signatures are checked.
struct SourceKeysFlags: SettingFlags {
  @Option(SettingsTable.sourceKeys) var sourceKeys: String?
  var given: [(key: String, text: String?)] { [("source-keys", sourceKeys)] }
}

/// Who has to sign.
struct ProofFlags: SettingFlags {
  @Option(SettingsTable.requireSignatures) var requireSignatures: String?
  var given: [(key: String, text: String?)] { [("require-signatures", requireSignatures)] }
}

/// Which feed.
struct ClientFlags: SettingFlags {
  @Option(SettingsTable.url) var url: String?
  var given: [(key: String, text: String?)] { [("url", url)] }
}
