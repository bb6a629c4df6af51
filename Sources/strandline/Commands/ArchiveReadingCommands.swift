import ActionArchive
import ArgumentParser
import AuditActions
import Foundation
import ObjectStores

/// Which part of an archive.
struct ArchiveSelectionFlags: ParsableArguments {
  @Option(name: .customLong("partition"), help: ArgumentHelp("Only this partition.", valueName: "NUMBER"))
  var partition: Int32?

  @Option(
    name: .customLong("offsets"),
    help: ArgumentHelp("Only these offsets: 100-199, 100- or 100.", valueName: "FIRST-LAST"))
  var offsets: String?

  @Option(
    name: .customLong("from"),
    help: ArgumentHelp("Only actions of this time or later, for example 2026-11-21T04:00:00Z.", valueName: "TIME"))
  var from: String?

  @Option(name: .customLong("before"), help: ArgumentHelp("Only actions before this time.", valueName: "TIME"))
  var before: String?

  func selection(_ settings: Settings) throws -> ArchiveSelection {
    var selection = ArchiveSelection(topic: try settings.value(SettingsTable.topic))
    selection.partition = partition
    if let offsets { selection.offsets = try Self.range(offsets) }
    selection.fromMilliseconds = try from.map { try Self.time($0, flag: "--from") }
    selection.toMilliseconds = try before.map { try Self.time($0, flag: "--before") }
    selection.project = settings[SettingsTable.project]
    selection.queue = settings[SettingsTable.queue]
    return selection
  }

  private static func range(_ text: String) throws -> ClosedRange<Int64> {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first.flatMap({ Int64($0) }), first >= 0,
      let last = parts.count == 1 ? first : parts[1].isEmpty ? Int64.max - 1 : Int64(parts[1]), first <= last,
      last < Int64.max
    else { throw CommandFailure(.usage, "--offsets '\(text)' is no range such as 100-199") }
    return first...last
  }

  private static func time(_ text: String, flag: String) throws -> Int64 {
    do throws(AuditActionError) { return try ActionTime(rfc3339: text).millisecondsSince1970 } catch {
      throw CommandFailure(.usage, "\(flag) '\(text)': \(error.detail)")
    }
  }
}

/// `strandline archive list`
struct ArchiveListCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the objects of an archive.",
    discussion: """
        strandline archive list file:///var/lib/strandline/archive --from 2026-11-21T00:00:00Z

      Partition, first and last offset, bytes and key; with --json a JSON object each.
      """)

  @Argument(help: ArgumentHelp("The archive.", valueName: "URL")) var url: String
  @OptionGroup var part: ArchiveSelectionFlags
  @OptionGroup(title: "Archive") var topic: TopicFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [topic] }

  func run(_ context: CommandContext) async throws {
    let selection = try part.selection(context.settings)
    try await ArchiveReading.run(url, context) { reader in
      var output = FileWriter.output
      try await reader.objects(selection) { entry in
        guard !context.json else {
          return try output.line(
            .object([
              ("key", .string(entry.key)), ("partition", .integer(Int64(entry.name.partition))),
              ("firstOffset", .integer(entry.name.first)), ("lastOffset", .integer(entry.name.last)),
              ("bytes", .integer(entry.bytes)),
            ]))
        }
        try output.line(
          "\(entry.name.partition)  \(entry.name.first)-\(entry.name.last)  \(entry.bytes)  "
            + Terminal.harmless(entry.key))
      }
      try output.flush()
    }
  }
}

/// `strandline archive cat`
struct ArchiveCatCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat", abstract: "Print lines of an archive.",
    discussion: """
        strandline archive cat file:///var/lib/strandline/archive --project demo --queue orders --event MessageDeleted

      Lines are printed as they are in the archive (NDJSON), by hour, partition and offset. --bodies prints the body of \
      each action instead, as it was sent, and a line end. Times are those of the records; an action is looked for up to \
      a day around the period it is filed under.
      """)

  @Argument(help: ArgumentHelp("The archive.", valueName: "URL")) var url: String

  @Option(
    name: .customLong("type"), parsing: .singleValue,
    help: ArgumentHelp("Only actions of this event; may be given several times.", valueName: "EVENT"))
  var events: [String] = []

  @Flag(name: .customLong("bodies"), help: "Print bodies, not lines.") var bodies = false
  @OptionGroup var part: ArchiveSelectionFlags
  @OptionGroup(title: "Archive") var topic: TopicFlags
  @OptionGroup(title: "Archive") var address: QueueFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [topic, address] }

  func run(_ context: CommandContext) async throws {
    var selection = try part.selection(context.settings)
    selection.events = events
    let (wanted, bodies) = (selection, bodies)
    try await ArchiveReading.run(url, context) { reader in
      var output = FileWriter.output
      try await reader.lines(wanted) { line, bytes in
        guard bodies else { return try output.line(bytes) }
        if let body = line.exactBytes(in: bytes) { try output.line(body) }
      }
      try output.flush()
    }
  }
}

/// `strandline archive get`
struct ArchiveGetCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print the body of one action, byte for byte.",
    discussion: """
        strandline archive get file:///var/lib/strandline/archive 3 1042

      Where there is no action at that offset, it says what the archive says of it, and the exit code is 1.
      """)

  @Argument(help: ArgumentHelp("The archive.", valueName: "URL")) var url: String
  @Argument(help: ArgumentHelp("The partition.", valueName: "PARTITION")) var partition: Int32
  @Argument(help: ArgumentHelp("The offset.", valueName: "OFFSET")) var offset: Int64
  @OptionGroup(title: "Archive") var topic: TopicFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [topic] }

  func validate() throws {
    if partition < 0 || offset < 0 || offset == .max { throw ValidationError("partition and offset are not negative") }
  }

  func run(_ context: CommandContext) async throws {
    let name = try context.settings.value(SettingsTable.topic)
    let (partition, offset) = (partition, offset)
    try await ArchiveReading.run(url, context) { reader in
      let body = try await reader.body(topic: name, partition: partition, offset: offset)
      var output = FileWriter.output
      try output.line(body)
      try output.flush()
    }
  }
}

/// What the reading commands share.
enum ArchiveReading {
  static func run(
    _ url: String, _ context: CommandContext, _ body: (ArchiveReader) async throws -> Void
  ) async throws {
    let store = try context.objectStore(url)
    do {
      try await body(ArchiveReader(store: store))
      await store.close()
    } catch {
      await store.close()
      if error is WriteFailure { throw error }
      throw CommandFailure(archive: error)
    }
  }
}
