import ArgumentParser
import FeedServer
import Kafka
import Logging

/// `strandline serve`
struct ServeCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run a node: read the topic, keep the actions, serve the feed.",
    discussion: """
        strandline serve --bootstrap-servers kafka:9092 --data /var/lib/strandline --listen 0.0.0.0:8080

      Kafka need not be reachable at the start: the node says so and keeps trying. SIGTERM ends it gracefully: \
      readiness fails, requests end, what was read is stored. 'strandline doctor' checks a configuration beforehand.
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

  func run(_ context: CommandContext) async throws {
    let configuration = try NodeConfiguration(context.settings)
    let logger = context.logger(outputIsForData: context.json)
    let signals = await StopSignals(plan: configuration.shutdown, logger: logger)
    try PortCheck.require(configuration.listen, flag: "--listen")
    if let management = configuration.managementListen {
      try PortCheck.require(management, flag: "--management-listen")
    }
    let node = try await FeedNode(configuration, registry: NodeProcess.bootstrapMetrics(), logger: logger)
    logger.info(
      "Strandline \(Strandline.version) starts",
      metadata: [
        "topic": "\(configuration.topic)", "brokers": "\(configuration.kafka.bootstrapServers)",
        "data": "\(configuration.directory)",
      ])
    let announcement = Announcement(server: node.server) { ports in
      let url = "http://\(NetworkAddress(host: configuration.listen.localHost, port: ports.feed))"
      logger.info("The feed listens", metadata: ["url": "\(url)"])
      guard context.json else { return }
      var output = FileWriter.output
      try output.line(
        .object([
          ("url", .string(url)), ("bootstrapServers", .string(configuration.kafka.bootstrapServers)),
          ("topic", .string(configuration.topic)), ("data", .string(configuration.directory)),
        ]))
      try output.flush()
    }
    try await NodeProcess.run(
      node.services + [announcement], endings: node.endings(flushTimeout: configuration.shutdown.flush),
      signals: signals, plan: configuration.shutdown, logger: logger)
  }
}
