import ArgumentParser
import AuditActions
import Foundation

/// `strandline sync`
struct SyncCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Send one node the numbered actions it lacks of another.",
    discussion: """
        strandline sync --project demo --from http://here:8080 --to http://there:8080 --mode pushpull

      Asks both nodes which numbers of each source's logs they have, and sends what is lacking: push from the first to \
      the second, pull the other way. Without --interval once; with it again and again, which beside 'serve' makes a \
      relay. What fails is sent by the next run. With --json each log that had something is a line. The exit code is 1 \
      when something was refused or failed, or a number was found to be two actions'. That is told of what is sent; \
      with --compare everything that both still have is read from both and held against each other first.
      """)

  @Option(
    name: .customLong("from"),
    help: ArgumentHelp("Address of the first node. (default: http://127.0.0.1:8080)", valueName: "URL"))
  var from: String?

  @Option(
    name: .customLong("spool"),
    help: ArgumentHelp(
      "A worker's spool in place of the first node: what the second lacks of it is sent.", valueName: "DIR"),
    completion: .directory)
  var spool: String?

  @Option(
    name: [.customLong("to"), .customLong("upstream")],
    help: ArgumentHelp("Address of the second node.", valueName: "URL"))
  var to: String

  @Option(
    name: .customLong("mode"), help: ArgumentHelp("push, pull, pushpull or none.", valueName: "MODE"))
  var mode = SyncMode.push

  @Option(
    name: .customLong("mode-lowest-ids"),
    help: ArgumentHelp("The same for purge points, below which nothing is wanted.", valueName: "MODE"))
  var lowestMode = SyncMode.none

  @OptionGroup(title: "Logs") var address: ProjectFlags

  @Option(name: .customLong("source"), help: ArgumentHelp("Only this source.", valueName: "SOURCE"))
  var source: String?

  @Option(name: .customLong("log"), help: ArgumentHelp("Only logs of this id.", valueName: "LOG"))
  var log: String?

  @Flag(
    name: .customLong("compare"),
    help: "Also read what both still have, and tell numbers that have other content on either side.")
  var compares = false

  @Option(
    name: .customLong("interval"),
    help: ArgumentHelp("Time, in seconds, from the end of one run to the next: 1 to 86400.", valueName: "SECONDS"))
  var interval: Int?

  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [address] }

  func validate() throws {
    if spool != nil, from != nil || mode != .push || lowestMode != .none {
      throw ValidationError("--spool stands in place of --from, and what is in it can be pushed only")
    }
    if let interval, !(1...86_400).contains(interval) { throw ValidationError("--interval is 1 to 86400 seconds") }
  }

  func run(_ context: CommandContext) async throws {
    let project = try context.settings.value(SettingsTable.project)
    do throws(AuditActionError) { try QueueAddress.validateProject(project) } catch {
      throw CommandFailure(.usage, error.detail)
    }
    guard let interval else {
      guard try await once(project, context) else { throw CommandFailure(.failure, "") }
      return
    }
    while true {
      do { _ = try await once(project, context) } catch let failure as CommandFailure {
        // The next run tries again.
        try Note(failure.description).write()
      }
      try await Task.sleep(for: .seconds(interval))
    }
  }

  private func once(_ project: String, _ context: CommandContext) async throws -> Bool {
    let second = FeedSyncNode(url: try Self.url(to, "--to"))
    if let spool { return try await once(try SpoolSyncNode(directory: spool), second, project, context) }
    let first = FeedSyncNode(url: try Self.url(from ?? "http://127.0.0.1:8080", "--from"))
    return try await once(first, second, project, context)
  }

  private func once(
    _ first: some SyncNode, _ second: some SyncNode, _ project: String, _ context: CommandContext
  ) async throws -> Bool {
    let run = SyncRun(
      first: first, second: second, mode: mode, lowestMode: lowestMode, project: project, source: source, log: log,
      compares: compares)
    var output = FileWriter.output
    do {
      let isWhole = try await run.run { event in
        if context.json { try output.line(event.json) } else { try output.line(event.text) }
        try output.flush()
      }
      return isWhole
    } catch let fault as SyncFault {
      throw CommandFailure(fault.isUnreachable ? .unavailable : .failure, fault.description)
    }
  }

  private static func url(_ text: String, _ flag: String) throws -> String {
    do throws(SettingFault) { return try SettingFormat.url.parse(text) } catch {
      throw CommandFailure(.usage, "\(flag): \(error)")
    }
  }
}

extension SyncMode: ExpressibleByArgument {}
