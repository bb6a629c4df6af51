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
  @OptionGroup(title: "Store") var store: StoreFlags
  @OptionGroup(title: "Feed") var feed: FeedFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [broker, topic, deadLetter, store, feed] }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let colour = Colour(isOn: Terminal.outputIsTerminal && Terminal.allowsColour(environment))
    let loaded: (Settings, NodeConfiguration)
    do throws(ConfigurationError) {
      let settings = try Settings.load(from: sources(environment: environment, readFile: readSettingsFile))
      loaded = (settings, try NodeConfiguration(settings))
    } catch {
      let findings = error.problems.map {
        Finding.fail("configuration", "\($0)", mend: "correct it; 'strandline config reference' lists all settings")
      }
      return try end(findings, asJSON: common.json, colour)
    }
    try await examine(CommandContext(settings: loaded.0, environment: environment), loaded.1)
  }

  private func examine(_ context: CommandContext, _ configuration: NodeConfiguration) async throws {
    var logger = context.logger()
    if !context.settings.isGiven(SettingsTable.logLevel.definition) { logger.logLevel = .critical }
    let given = SettingsTable.all.count { context.settings.isGiven($0) } + context.settings.kafkaProperties.count
    var findings = [Finding.ok("configuration", "valid, \(given) settings given")]
    findings += await BrokerCheck(
      kafka: configuration.kafka, topic: configuration.topic, deadLetterTopic: configuration.deadLetterTopic,
      defaultTimeToLiveSeconds: Int(configuration.defaultTimeToLiveSeconds), logger: logger
    ).findings()
    findings += MachineCheck(directory: configuration.directory, budgetBytes: configuration.budgetBytes).findings()
    findings.append(MachineCheck.address(configuration.listen, flag: "--listen"))
    if let management = configuration.managementListen {
      findings.append(MachineCheck.address(management, flag: "--management-listen"))
    }
    try end(findings, asJSON: context.json, context.colour)
  }

  private func end(_ findings: [Finding], asJSON: Bool, _ colour: Colour) throws {
    try Finding.write(findings, asJSON: asJSON, colour)
    if findings.contains(where: { $0.level == .fail }) { throw CommandFailure(.failure, "") }
  }

  func run(_ context: CommandContext) async throws {
    try await examine(context, NodeConfiguration(context.settings))
  }
}
