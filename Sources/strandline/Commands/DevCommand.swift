import ActionStore
import ArgumentParser
import AuditActions
import FeedServer
import Foundation
import Kafka
import Logging
import ServiceLifecycle

/// `strandline dev`
struct DevCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "Try Strandline: an embedded Kafka broker, store and feed in one process.",
    discussion: """
        strandline dev --demo

      Nothing else is needed. Shows the feed's address and lines to paste; --demo adds simulated queue workers. \
      Without --listen it takes the next free port from 8080 on; without --data a temporary directory that is removed \
      at the end. With --json the first line on standard output is an object with bootstrapServers and url. Ctrl-C ends \
      it. The embedded broker keeps about 5 MiB a partition, in memory: for trying and testing only.
      """)

  @OptionGroup var demo: DemoFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Kafka") var deadLetter: DeadLetterFlags
  @OptionGroup(title: "Kafka") var queuesTopic: QueuesTopicFlags
  @OptionGroup(title: "Store") var store: StoreFlags
  @OptionGroup(title: "Feed") var feed: FeedFlags
  @OptionGroup(title: "Checksums and signatures") var sourceKeys: SourceKeysFlags
  @OptionGroup(title: "Checksums and signatures") var proof: ProofFlags
  @OptionGroup(title: "Checksums and signatures") var seal: SealFlags
  @OptionGroup(title: "Channels") var emission: EmissionFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] {
    [demo, topic, deadLetter, queuesTopic, store, feed, emission, sourceKeys, proof, seal]
  }

  func run(_ context: CommandContext) async throws {
    let settings = context.settings
    var configuration = try NodeConfiguration(settings)
    // Who tries it out wants to see what comes.
    if !settings.isGiven(SettingsTable.auditDefault.definition) { configuration.auditDefault = .all }
    let logger = logger(context)
    if settings.isGiven(SettingsTable.listen.definition) {
      try PortCheck.require(configuration.listen, flag: "--listen")
    } else {
      configuration.listen = PortCheck.nextFree(from: configuration.listen)
    }
    if let management = configuration.managementListen {
      try PortCheck.require(management, flag: "--management-listen")
    }
    // Before the directory is made, so that there is no moment at which a signal would leave it behind.
    let signals = await StopSignals(plan: configuration.shutdown, logger: logger)
    let isTemporary = !settings.isGiven(SettingsTable.data.definition)
    if isTemporary { configuration.directory = try TemporaryDirectory.make() }
    let directory = configuration.directory
    defer { if isTemporary { TemporaryDirectory.remove(directory) } }
    if isTemporary { signals.beforeForcedEnd { TemporaryDirectory.remove(directory) } }
    try signals.throwIfStopping()

    let broker = try DevBroker(
      topic: configuration.topic, deadLetterTopic: configuration.deadLetterTopic,
      queuesTopic: configuration.queuesTopic, logger: logger)
    // Whatever is configured for a real cluster is of no use to the embedded one.
    configuration.kafka = broker.configuration
    let node = try await FeedNode(configuration, registry: NodeProcess.bootstrapMetrics(), logger: logger)
    try await broker.continueAfter(node.store.nextOffsets)
    node.store.forgetLastRecords()

    let screen = DevScreen(
      configuration: configuration, program: CommandLine.arguments.first ?? "strandline",
      hasDemo: settings[SettingsTable.demo] ?? false, isTemporary: isTemporary)
    let announcement = Announcement(server: node.server) { [probe = node.probe] ports in
      // A page read at once should be a page, not an excuse.
      try await probe.firstCompletion(within: .seconds(15))
      var output = FileWriter.output
      try output.line(context.json ? screen.json(port: ports.feed).text : screen.text(port: ports.feed, context.colour))
      try output.flush()
    }
    var services = node.services + [announcement]
    if settings[SettingsTable.demo] ?? false {
      services.append(
        DemoWorkers(configuration: configuration, settings: settings, reload: context.reload, logger: logger))
    }
    // The broker goes last: emitter and ingest still talk to it while they end.
    let endings = node.endings(flushTimeout: configuration.shutdown.flush) + [Ending { await broker.close() }]
    try await NodeProcess.run(
      services, endings: endings, signals: signals, plan: configuration.shutdown, logger: logger)
  }

  /// The screen is not for log lines, unless they are asked for or matter.
  private func logger(_ context: CommandContext) -> Logger {
    var logger = context.logger()
    if !context.settings.isGiven(SettingsTable.logLevel.definition) { logger.logLevel = .warning }
    return logger
  }
}
