import ArgumentParser
import AuditActions
import NIOHTTP1

/// `strandline queue …`
struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Show and change the metadata of a queue: whether it is audited.",
    subcommands: [QueueGetCommand.self, QueueSetCommand.self, QueueDeleteCommand.self])
}

/// `strandline queue get`
struct QueueGetCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print the metadata of a queue.",
    discussion: """
        strandline queue get --url http://127.0.0.1:8080 --project demo --queue orders
      """)

  @OptionGroup(title: "Feed") var client: ClientFlags
  @OptionGroup(title: "Feed") var address: QueueFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [client, address] }

  func run(_ context: CommandContext) async throws {
    try QueueMetadataPrinting.print(try await context.feedClient.metadata(.GET, try context.queuePath))
  }
}

/// `strandline queue set`
struct QueueSetCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change the metadata of a queue.",
    discussion: """
        strandline queue set '{"audit":{"enabled":true}}' --project demo --queue orders

      The JSON is merged into what there is (RFC 7396): null removes a member. With --replace it takes its place. \
      Prints what the metadata is then.
      """)

  @Argument(help: ArgumentHelp("A JSON object.", valueName: "JSON"))
  var metadata: String

  @Flag(name: .customLong("replace"), help: "Replace all of the metadata; do not merge.")
  var replaces = false

  @OptionGroup(title: "Feed") var client: ClientFlags
  @OptionGroup(title: "Feed") var address: QueueFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [client, address] }

  func run(_ context: CommandContext) async throws {
    let (feed, path) = (try context.feedClient, try context.queuePath)
    guard replaces else {
      let changed = try await feed.metadata(.PATCH, path, (type: "application/merge-patch+json", text: metadata))
      return try QueueMetadataPrinting.print(changed)
    }
    _ = try await feed.metadata(.PUT, path, (type: "application/json", text: metadata))
    try QueueMetadataPrinting.print(try await feed.metadata(.GET, path))
  }
}

/// `strandline queue delete`
struct QueueDeleteCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Remove the metadata of a queue; its actions expire as they would.",
    discussion: """
        strandline queue delete --project demo --queue orders
      """)

  @OptionGroup(title: "Feed") var client: ClientFlags
  @OptionGroup(title: "Feed") var address: QueueFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [client, address] }

  func run(_ context: CommandContext) async throws {
    _ = try await context.feedClient.metadata(.DELETE, try context.queuePath)
  }
}

private enum QueueMetadataPrinting {
  static func print(_ document: [UInt8]?) throws(WriteFailure) {
    guard let document else { return }
    var output = FileWriter.output
    try output.line(String(decoding: document, as: UTF8.self))
    try output.flush()
  }
}

extension CommandContext {
  fileprivate var feedClient: FeedClient {
    get throws { FeedClient(url: try settings.value(SettingsTable.url)) }
  }

  fileprivate var queuePath: String {
    get throws {
      let project = try settings.value(SettingsTable.project)
      let queue = try settings.value(SettingsTable.queue)
      do throws(AuditActionError) { _ = try QueueAddress(project: project, queue: queue) } catch {
        throw CommandFailure(.usage, error.detail)
      }
      return "/v1/\(project)/queues/\(queue)"
    }
  }
}
