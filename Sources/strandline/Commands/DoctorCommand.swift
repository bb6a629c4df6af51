import ArgumentParser
import Foundation
import Logging

/// `strandline doctor`
struct DoctorCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check configuration, brokers, topics, data directory, disk and clock.",
    discussion: """
        strandline doctor --bootstrap-servers kafka:9092 --data /var/lib/strandline

      Takes what 'serve' takes and changes nothing. Each line says [ok], [warn] or [fail], and what to mend. The exit code \
      is 1 when anything failed.
      """)

  @OptionGroup(title: "Kafka") var broker: BrokerFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Kafka") var deadLetter: DeadLetterFlags
  @OptionGroup(title: "Kafka") var queuesTopic: QueuesTopicFlags
  @OptionGroup(title: "Store") var store: StoreFlags
  @OptionGroup(title: "Feed") var feed: FeedFlags
  @OptionGroup(title: "Checksums and signatures") var sourceKeys: SourceKeysFlags
  @OptionGroup(title: "Checksums and signatures") var proof: ProofFlags
  @OptionGroup(title: "Checksums and signatures") var seal: SealFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [broker, topic, deadLetter, queuesTopic, store, feed, sourceKeys, proof, seal] }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let colour = Colour(isOn: Terminal.outputIsTerminal && Terminal.allowsColour(environment))
    let loaded: (Settings, NodeConfiguration)
    do throws(ConfigurationError) {
      let settings = try Settings.load(from: sources(environment: environment, readFile: readSettingsFile))
      loaded = (settings, try NodeConfiguration(settings))
    } catch {
      var report = DoctorReport(asJSON: common.json, colour: colour)
      for problem in error.problems {
        try report.tell(
          .fail("configuration", "\(problem)", mend: "correct it; 'strandline config reference' lists all settings"))
      }
      return try report.end()
    }
    try await examine(CommandContext(settings: loaded.0, environment: environment), loaded.1)
  }

  private func examine(_ context: CommandContext, _ configuration: NodeConfiguration) async throws {
    var logger = context.logger()
    if !context.settings.isGiven(SettingsTable.logLevel.definition) { logger.logLevel = .critical }
    let given = SettingsTable.all.count { context.settings.isGiven($0) } + context.settings.kafkaProperties.count
    var report = DoctorReport(asJSON: context.json, colour: context.colour)
    try report.tell(.ok("configuration", "valid, \(given) settings given"))
    // What is quick comes first, and each line as soon as it is known: a broker that is away takes its time.
    for finding in MachineCheck(directory: configuration.directory, budgetBytes: configuration.budgetBytes).findings() {
      try report.tell(finding)
    }
    try report.tell(MachineCheck.address(configuration.listen, flag: "--listen"))
    if let management = configuration.managementListen {
      try report.tell(MachineCheck.address(management, flag: "--management-listen"))
    }
    try report.tell(
      await CountersCheck(address: configuration.managementListen ?? configuration.listen).finding())
    let check = BrokerCheck(
      kafka: configuration.kafka, topic: configuration.topic, deadLetterTopic: configuration.deadLetterTopic,
      queuesTopic: configuration.queuesTopic,
      defaultTimeToLiveSeconds: Int(configuration.defaultTimeToLiveSeconds), logger: logger)
    for await finding in check.findings() { try report.tell(finding) }
    try report.end()
  }

  func run(_ context: CommandContext) async throws {
    try await examine(context, NodeConfiguration(context.settings))
  }
}

/// Writes findings as they come, and remembers whether one of them is a failure.
private struct DoctorReport {
  let asJSON: Bool
  let colour: Colour
  private var hasFailure = false

  init(asJSON: Bool, colour: Colour) {
    self.asJSON = asJSON
    self.colour = colour
  }

  mutating func tell(_ finding: Finding) throws(WriteFailure) {
    if finding.level == .fail { hasFailure = true }
    try Finding.write([finding], asJSON: asJSON, colour)
  }

  func end() throws(CommandFailure) {
    if hasFailure { throw CommandFailure(.failure, "") }
  }
}
