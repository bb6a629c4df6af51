import ArgumentParser

/// `strandline config …`
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Show the configuration.",
    subcommands: [ConfigPrintCommand.self, ConfigReferenceCommand.self])
}

/// `strandline config print`
struct ConfigPrintCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "print", abstract: "Print every setting with the value in effect and where it came from.",
    discussion: """
      Secrets are masked. Takes the flags of all commands, so that a command line can be tried out:

        strandline config print --listen 0.0.0.0:8080 --config strandline.yaml
      """)

  @OptionGroup var common: CommonFlags
  @OptionGroup(title: "Kafka") var broker: BrokerFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Kafka") var deadLetter: DeadLetterFlags
  @OptionGroup(title: "Kafka") var queuesTopic: QueuesTopicFlags
  @OptionGroup(title: "Store") var store: StoreFlags
  @OptionGroup(title: "Feed") var feed: FeedFlags
  @OptionGroup(title: "Other commands") var demo: DemoFlags
  @OptionGroup(title: "Other commands") var creation: TopicCreationFlags
  @OptionGroup(title: "Other commands") var emission: EmissionFlags
  @OptionGroup(title: "Other commands") var address: QueueFlags
  @OptionGroup(title: "Other commands") var action: ActionFlags
  @OptionGroup(title: "Other commands") var seal: SealFlags
  @OptionGroup(title: "Other commands") var sourceKeys: SourceKeysFlags
  @OptionGroup(title: "Other commands") var proof: ProofFlags
  @OptionGroup(title: "Other commands") var archive: ArchiveFlags
  @OptionGroup(title: "Other commands") var client: ClientFlags

  var groups: [any SettingFlags] {
    [
      broker, topic, deadLetter, queuesTopic, store, feed, demo, creation, emission, address, action, seal, sourceKeys,
      proof,
      archive, client,
    ]
  }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func run(_ context: CommandContext) async throws {
    var output = FileWriter.output
    if context.json {
      for line in SettingsReport.lines(context.settings) {
        try output.line(
          .object([
            ("key", .string(line.key)), ("value", .optional(line.value)), ("origin", .string(line.origin)),
            ("secret", .bool(line.isSecret)),
          ]))
      }
    } else {
      try output.line(SettingsReport.yaml(context.settings))
    }
    try output.flush()
  }
}

/// `strandline config reference`
struct ConfigReferenceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference", abstract: "Print the table of all settings in Markdown, as it stands in the README.")

  func run() async throws {
    var output = FileWriter.output
    try output.line(SettingsReport.markdown())
    try output.flush()
  }
}
