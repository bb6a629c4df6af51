import ActionEmitter
import ArgumentParser
import AuditActions
import Foundation
import Kafka
import Logging

/// `strandline emit`
struct EmitCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "emit", abstract: "Emit one action, or one for each line of NDJSON on standard input.",
    discussion: """
      One action:

        strandline emit --project p --queue q --event MessageDeleted --details '{"message_id":"42"}'

      Many, when --event is not given: one JSON object a line, with project, queue, ttl (optional) and body. The body is \
      sent byte for byte; --project, --queue and --ttl stand in for what a line leaves out:

        {"project":"p","queue":"q","ttl":300,"body":{"event":"MessageDeleted","details":{}}}

        strandline emit < actions.ndjson

      Every action is acknowledged by Kafka before the command ends. A line that cannot be sent is told with its number; \
      then the exit code is 65 (lines refused) or 69 (not acknowledged).

      With --spool, lines are numbered and kept in a folder first and published from there, and Kafka may be away: what \
      it has not taken when the command ends stays for the next one with the same spool and source.

      With --queues-topic it follows what the metadata of queues says of auditing them, once it has read it. The \
      configuration file's channels and event types hold: what they do not want is skipped and counted. SIGHUP has \
      them read anew.
      """)

  @OptionGroup(title: "Action") var address: QueueFlags
  @OptionGroup(title: "Action") var action: ActionFlags
  @OptionGroup(title: "Action") var author: AuthorFlags
  @OptionGroup(title: "Checksums and signatures") var seal: SealFlags
  @OptionGroup(title: "Kafka") var broker: BrokerFlags
  @OptionGroup(title: "Kafka") var topic: TopicFlags
  @OptionGroup(title: "Kafka") var queuesTopic: FollowedQueuesFlags
  @OptionGroup(title: "Action") var emission: EmissionFlags

  @Option(
    name: .customLong("timeout"),
    help: ArgumentHelp("Time, in seconds, that Kafka has to acknowledge: 1 to 300.", valueName: "SECONDS"))
  var timeout = 30

  @Option(
    name: .customLong("spool"),
    help: ArgumentHelp("Folder that keeps actions until Kafka has them, for lines on standard input.", valueName: "DIR")
  )
  var spool: String?
  @Option(
    name: .customLong("source"),
    help: ArgumentHelp("Names who emits: a URI reference; a source of its own for each spool.", valueName: "URI"))
  var source = "/strandline/emit"

  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [address, action, seal, broker, topic, queuesTopic, emission] }
  var kafkaProperties: [String] { broker.kafkaProperties }

  func validate() throws {
    guard (1...300).contains(timeout) else { throw ValidationError("--timeout is 1 to 300 seconds") }
    if spool != nil, action.event != nil {
      throw ValidationError("--spool is for lines on standard input, not for --event")
    }
  }

  func run(_ context: CommandContext) async throws {
    let settings = context.settings
    let single = try settings[SettingsTable.event].map { try oneAction($0, settings) }
    if single == nil, Terminal.inputIsTerminal {
      throw CommandFailure(
        .usage, "nothing to emit: give --event (and --details), or lines of NDJSON on standard input")
    }
    let kafka = try settings.kafka()
    let topic = try settings.value(SettingsTable.topic)
    var logger = context.logger()
    if !settings.isGiven(SettingsTable.logLevel.definition) { logger.logLevel = spool == nil ? .critical : .notice }
    if let spool { return try await emitSpooled(spool, kafka, topic, logger, context) }
    try await TopicReach(kafka: kafka, logger: logger).require(topic, timeout: .seconds(min(timeout, 10)))

    let emitter = try await emitter(kafka, topic, logger, context)
    let status: ExitStatus
    do {
      try await awaitQueues(of: emitter)
      if let (queue, action) = single {
        try await emit(action, to: queue, emitter, context)
        status = .success
      } else {
        status = try await emitLines(emitter, settings, context)
      }
    } catch {
      await emitter.close(flushTimeout: .seconds(1))
      throw error
    }
    await emitter.close(flushTimeout: .seconds(5))
    if status != .success { throw CommandFailure(status, "") }
  }

  /// What is short would be over before it is known what is wanted, and be sent whatever the metadata says.
  private func awaitQueues(of emitter: ActionEmitter) async throws(CommandFailure) {
    guard let topic = emitter.configuration.queuesTopic else { return }
    let seconds = min(timeout, 10)
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !emitter.knowsQueues {
      guard .now < deadline, !Task.isCancelled else {
        throw CommandFailure(
          .unavailable,
          "the metadata of queues, topic '\(topic)', was not read within \(seconds) s: check that the topic is there, or "
            + "leave --queues-topic out to send everything")
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Lines are taken at once, whether Kafka can be reached or not. Nothing is published before it has told of the topic,
  /// or has not answered: to publish may make a topic that is not there.
  private func emitSpooled(
    _ spool: String, _ kafka: KafkaConfiguration, _ topic: String, _ logger: Logger, _ context: CommandContext
  ) async throws {
    let emitter = try await emitter(kafka, topic, logger, context, spool: SpoolConfiguration(directory: spool))
    let emission = SpooledEmission(emitter: emitter, asJSON: context.json, timeout: .seconds(timeout))
    let input = EmitInput(descriptor: STDIN_FILENO, defaults: try lineDefaults(context.settings))
    var quiet = logger
    if !context.settings.isGiven(SettingsTable.logLevel.definition) { quiet.logLevel = .critical }
    let reach = TopicReach(kafka: kafka, logger: quiet)
    let seconds = min(timeout, 10)
    let topicFailure = Task { () async -> CommandFailure? in
      do throws(CommandFailure) {
        try await reach.requireIfReached(topic, timeout: .seconds(seconds))
        emitter.beginPublishing()
        return nil
      } catch {
        input.stop()
        return error
      }
    }
    let report = try await emission.run(input)
    let failure = await topicFailure.value
    try await emission.end(report, publishes: failure == nil)
    if let failure { throw failure }
    if let reason = input.readFailure {
      throw CommandFailure(.input, "standard input cannot be read any further: \(reason)")
    }
    if report.status != .success { throw CommandFailure(report.status, "") }
  }

  private func lineDefaults(_ settings: Settings) throws -> EmitLine.Defaults {
    EmitLine.Defaults(
      project: settings[SettingsTable.project], queue: settings[SettingsTable.queue],
      timeToLive: try settings[SettingsTable.ttl].map { try TimeToLive(seconds: $0) })
  }

  private func emitter(
    _ kafka: KafkaConfiguration, _ topic: String, _ logger: Logger, _ context: CommandContext,
    spool: SpoolConfiguration? = nil
  ) async throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: kafka)
    (configuration.checksum, configuration.signingKey) = try context.settings.seal()
    configuration.topic = topic
    context.settings.configure(&configuration)
    configuration.source = source
    configuration.spool = spool
    configuration.holdsPublishing = spool != nil
    configuration.acknowledgementTimeout = .seconds(timeout)
    configuration.outstandingActionsMax = 4 * EmitBatch.linesMax
    configuration.outstandingBytesMax = 8 * EmitBatch.bytesMax
    if spool == nil, configuration.kafka["delivery.timeout.ms"] == nil, configuration.kafka["message.timeout.ms"] == nil
    {
      configuration.kafka["message.timeout.ms"] = String(timeout * 1_000)
    }
    let emitter: ActionEmitter
    do throws(EmitError) {
      emitter = try ActionEmitter(configuration: configuration, logger: logger)
    } catch {
      throw CommandFailure(error.reason == .spool ? .input : .configuration, error.description)
    }
    if let reload = context.reload {
      await EmissionReload(load: reload, logger: context.logger()) { $0.apply(to: emitter) }.start()
    }
    return emitter
  }

  private func oneAction(_ event: String, _ settings: Settings) throws -> (QueueAddress, Action) {
    let project = try settings.value(SettingsTable.project)
    let queue = try settings.value(SettingsTable.queue)
    do throws(AuditActionError) {
      let details = try JSONText(settings[SettingsTable.details] ?? "{}")
      let action = Action(
        type: ActionType(event), details: details, user: author.user, message: author.message,
        clientID: author.clientID, userAgent: author.userAgent,
        timeToLive: try settings[SettingsTable.ttl].map { (seconds) throws(AuditActionError) in
          try TimeToLive(seconds: seconds)
        })
      return (try QueueAddress(project: project, queue: queue), action)
    } catch {
      throw CommandFailure(.usage, error.parameter.map { "\($0): \(error.detail)" } ?? error.detail)
    }
  }

  private func emit(
    _ action: Action, to queue: QueueAddress, _ emitter: ActionEmitter, _ context: CommandContext
  ) async throws {
    do throws(EmitError) {
      let position = try await emitter.emitAcknowledged(action, to: queue)
      var output = FileWriter.output
      if context.json {
        try? output.line(
          .object([
            ("project", .string(queue.project)), ("queue", .string(queue.queue)),
            ("partition", .integer(Int(position.partition))), ("offset", .integer(position.offset)),
          ]))
      } else {
        try? output.line("Emitted \(action.type) to \(queue): \(position)")
      }
      try? output.flush()
    } catch {
      let isOurs = error.invalid != nil || error.reason == .notWanted
      throw CommandFailure(isOurs ? .data : .unavailable, "the action was not emitted: \(error)")
    }
  }

  private func emitLines(
    _ emitter: ActionEmitter, _ settings: Settings, _ context: CommandContext
  ) async throws -> ExitStatus {
    let input = EmitInput(descriptor: STDIN_FILENO, defaults: try lineDefaults(settings))
    let emission = LineEmission(emitter: emitter, asJSON: context.json, showsProgress: Terminal.errorIsTerminal)
    let report = try await emission.run(input)
    if let reason = input.readFailure {
      throw CommandFailure(.input, "standard input cannot be read any further: \(reason)")
    }
    let isNothing = report.emitted + report.skipped + report.refused + report.failed == 0
    if isNothing, settings[SettingsTable.project] != nil || settings[SettingsTable.queue] != nil {
      // Most likely --event was forgotten: an end without an error would pass for an action emitted.
      throw CommandFailure(
        .usage, "nothing was emitted: there is no --event, and no line of NDJSON on standard input")
    }
    return report.status
  }
}

/// Who did it. Not settings: they belong to one action.
struct AuthorFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Name of the user who did it; without it, SYSTEM.", valueName: "NAME"))
  var username: String?
  @Option(help: ArgumentHelp("Where that user is known, for example keystone.", valueName: "NAME"))
  var authenticationProvider: String?
  @Option(name: .customLong("client-id"), help: ArgumentHelp("Id of the client that did it.", valueName: "ID"))
  var clientID: String?
  @Option(help: ArgumentHelp("User agent of that client.", valueName: "TEXT"))
  var userAgent: String?
  @Option(help: ArgumentHelp("One sentence for people.", valueName: "TEXT"))
  var message: String?

  var user: Actor {
    guard let username else { return .system }
    return Actor(username: username, authenticationProvider: authenticationProvider ?? "unknown")
  }

  func validate() throws {
    if authenticationProvider != nil, username == nil {
      throw ValidationError("--authentication-provider goes with --username")
    }
  }
}
