import ActionArchive
import ArgumentParser
import AuditActions
import Kafka
import Logging
import ObjectStores
import ServiceLifecycle

/// `strandline archive …`
struct ArchiveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive", abstract: "Keep the topic in an object store for good, and read it back.",
    discussion: """
        strandline archive --to s3://audit/strandline --signing-key-file signing.pem
        strandline archive --once --to file:///var/lib/strandline/archive
        strandline archive cat file:///var/lib/strandline/archive --queue orders

      Without a subcommand it archives: as a service, or with --once up to the topic's present end; 'strandline archive run \
      --help' lists its flags.
      """,
    subcommands: [ArchiveRunCommand.self, ArchiveListCommand.self, ArchiveCatCommand.self, ArchiveGetCommand.self],
    defaultSubcommand: ArchiveRunCommand.self)
}

/// `strandline archive [run]`
struct ArchiveRunCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Archive the topic (what 'archive' alone does).",
    discussion: """
      Kafka and the store need not be reachable at the start: it says so and keeps trying; with --once it gives up after \
      five minutes. The store itself says how far each partition is archived. SIGTERM ends it within 25 s; whatever \
      ends it, the next one goes on where it stood and makes the same objects. With --management-listen it answers /livez, \
      /readyz and /metrics there.
      """)

  @Flag(name: .customLong("once"), help: "Archive up to the topic's present end, and exit.")
  var once = false

  @OptionGroup(title: "Kafka") var broker: BrokerFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Archive") var archive: ArchiveFlags
  @OptionGroup(title: "Operations") var service: ServiceFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [broker, topic, archive, service] }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func run(_ context: CommandContext) async throws {
    let configuration = try ArchiveConfiguration(context.settings, once: once)
    let url = try context.settings.value(SettingsTable.to)
    let plan = ShutdownPlan(seconds: try context.settings.value(SettingsTable.shutdownTimeout))
    let logger = context.logger(outputIsForData: context.json)
    let signals = await StopSignals(plan: plan, logger: logger)
    let registry = NodeProcess.bootstrapMetrics()
    let store = try context.objectStore(url)
    let archive = ActionArchive(configuration: configuration, store: store, logger: logger.named("archive"))
    logger.info(
      "Strandline \(Strandline.version) archives",
      metadata: [
        "topic": "\(configuration.layout.topic)", "brokers": "\(configuration.kafka.bootstrapServers)",
        "to": "\(store.location)", "once": "\(once)",
      ])
    var services: [any Service] = [archive]
    if let address = context.settings[SettingsTable.managementListen], !once {
      try PortCheck.require(address, flag: "--management-listen")
      services.append(
        OperationsServer(
          address: address, registry: registry,
          checks: {
            ArchiveReadiness.checks(archive.status, nowMilliseconds: ActionTime.now.millisecondsSince1970)
          }, logger: logger.named("operations")))
    }
    let began = ContinuousClock.now
    do {
      try await NodeProcess.run(
        services, endings: [Ending { await store.close() }], signals: signals, plan: plan, logger: logger)
    } catch let error as KafkaError {
      throw CommandFailure(.unavailable, "Kafka at \(configuration.kafka.bootstrapServers): \(error)")
    } catch {
      throw CommandFailure(archive: error)
    }
    if once { try summarize(archive.status, context, ContinuousClock.now - began) }
  }

  private func summarize(_ status: ArchiveStatus, _ context: CommandContext, _ time: Duration) throws {
    let stops = status.partitions.sorted { $0.key < $1.key }.compactMap { partition, facts in
      facts.stop.map { (partition, $0) }
    }
    if context.json {
      var output = FileWriter.output
      try output.line(
        .object([
          ("actions", .integer(Int64(clamping: status.actions))),
          ("rejected", .integer(Int64(clamping: status.rejected))),
          ("lostOffsets", .integer(Int64(clamping: status.lostOffsets))),
          ("objects", .integer(Int64(clamping: status.objects))),
          ("manifests", .integer(Int64(clamping: status.manifests))),
          ("partitions", .integer(status.partitions.count)), ("stoppedPartitions", .integer(stops.count)),
          ("seconds", .number(Double(time / .milliseconds(1)) / 1_000)),
        ]))
      try output.flush()
    }
    guard !stops.isEmpty else { return }
    throw CommandFailure(
      stops.allSatisfy(\.1.isUnavailable) ? .unavailable : .failure,
      stops.map { "partition \($0): \($1.reason)" }.joined(separator: "\n"))
  }
}
