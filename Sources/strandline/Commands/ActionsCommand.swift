import ArgumentParser
import AuditActions
import Foundation

/// `strandline actions`
struct ActionsCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "actions", abstract: "Print the actions a feed holds of a queue, oldest first.",
    discussion: """
        strandline actions --url http://127.0.0.1:8080 --project demo --queue orders

      Reads page after page up to the newest action and ends. With --json each action is a line as the feed sent it \
      (href, ttl, age, body), byte for byte. --marker goes on where an earlier reading ended; the place is told on \
      standard error.
      """)

  @OptionGroup(title: "Feed") var client: ClientFlags
  @OptionGroup(title: "Feed") var address: QueueFlags
  @OptionGroup(title: "Feed") var reading: ReadingFlags

  @Option(name: .customLong("limit"), help: ArgumentHelp("Most actions to print; without it, all.", valueName: "COUNT"))
  var limit: Int?

  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [client, address] }

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  func run(_ context: CommandContext) async throws {
    var query = try reading.query(context.settings)
    if let limit { query.pageSize = min(limit, query.pageSize) }
    let end = try await reading.run(
      FollowMachine(target: query.target, intervalMilliseconds: 0, follows: false), limit: limit, context)
    if !context.json, let marker = FeedReader.Query.marker(in: end) {
      try FileWriter.write(Array("Go on from here with --marker \(marker)\n".utf8), to: STDERR_FILENO)
    }
  }
}

/// `strandline follow`
struct FollowCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "follow", abstract: "Print the actions of a queue as they come, until Ctrl-C.",
    discussion: """
        strandline follow --url http://127.0.0.1:8080 --project demo --queue orders

      Begins with the oldest action the feed holds, or after --marker, and goes on where it was when the feed was away \
      for a while: nothing is left out and nothing comes twice. With --json each action is a line as the feed sent it.
      """)

  @OptionGroup(title: "Feed") var client: ClientFlags
  @OptionGroup(title: "Feed") var address: QueueFlags
  @OptionGroup(title: "Feed") var reading: ReadingFlags

  @Option(
    name: .customLong("interval"),
    help: ArgumentHelp(
      "Time, in milliseconds, between two questions when nothing is new: 50 to 60000.", valueName: "MILLISECONDS"))
  var interval = 1_000

  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [client, address] }

  func validate() throws {
    guard (50...60_000).contains(interval) else { throw ValidationError("--interval is 50 to 60000 milliseconds") }
  }

  func run(_ context: CommandContext) async throws {
    let query = try reading.query(context.settings)
    _ = try await reading.run(
      FollowMachine(target: query.target, intervalMilliseconds: interval, follows: true), limit: nil, context)
  }
}

/// What `actions` and `follow` share.
struct ReadingFlags: ParsableArguments {
  @Option(name: .customLong("marker"), help: ArgumentHelp("Begin after this marker.", valueName: "MARKER"))
  var marker: String?

  @Option(
    name: .customLong("event"), parsing: .singleValue,
    help: ArgumentHelp("Only actions of this type. May be given up to 10 times.", valueName: "EVENT"))
  var events: [String] = []

  func query(_ settings: Settings) throws -> FeedReader.Query {
    let project = try settings.value(SettingsTable.project)
    let queue = try settings.value(SettingsTable.queue)
    do throws(AuditActionError) {
      return FeedReader.Query(queue: try QueueAddress(project: project, queue: queue), marker: marker, events: events)
    } catch {
      throw CommandFailure(.usage, error.detail)
    }
  }

  func run(_ machine: FollowMachine, limit: Int?, _ context: CommandContext) async throws -> String {
    let client = FeedClient(url: try context.settings.value(SettingsTable.url))
    let reader = FeedReader(
      read: { await client.read($0) }, sleep: { try await Task.sleep(for: .milliseconds($0)) })
    var printer = ActionPrinter(asJSON: context.json, colour: context.colour)
    return try await reader.run(machine, limit: limit) {
      try printer.print($0)
    } note: { text in
      try Note(text).write()
    }
  }
}
