import AuditActions
import Foundation
import Kafka
import Synchronization
import Testing

@testable import strandline

@Suite("Event types and channels of the configuration")
struct EmissionSettingsTests {
  private static let file = """
    strict-events: true
    events:
      OrderShipped:
        details:
          type: object
          required: [order]
          properties: {order: {type: integer, minimum: 1}, note: {maxLength: 10}, state: {enum: ["open", "1", 2.5]}}
      OrderLost:
    channels:
      claims:
        events: [ClaimExpired, OrderLost]
      off:
        enabled: false
        events: [OrderShipped]
      empty:
    """

  private func load(_ file: String) throws(ConfigurationError) -> Settings {
    try Settings.load(from: .init(configPath: "f.yaml", readFile: { _ in file }))
  }

  private func problems(_ file: String) -> [String] {
    do {
      _ = try load(file)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test("are read from the file, and hold")
  func reads() throws {
    let settings = try load(Self.file)
    #expect(settings.takesOnlyKnownEvents)
    let emission = settings.emission
    #expect(emission.catalogue.contains("OrderShipped") && emission.catalogue.contains("OrderLost"))
    #expect(emission.channels.channels.map(\.name) == ["claims", "empty", "off"])
    #expect(emission.channels.wants("ClaimExpired") && emission.channels.wants("OrderLost"))
    #expect(!emission.channels.wants("OrderShipped"))
    #expect(emission.channelOrigins["off"] == .file(path: "f.yaml", line: 12))
    #expect(emission.catalogue.schemas.count == 1)
  }

  @Test("without them everything is wanted, and any type is taken", arguments: ["", "channels:\n", "events: ~\n"])
  func nothing(file: String) throws {
    let settings = try load(file)
    #expect(settings.emission == EmissionSettings())
    #expect(!settings.takesOnlyKnownEvents)
  }

  @Test("what `config print` shows of them can be read again as it is")
  func printed() throws {
    let settings = try load(Self.file)
    let again = try load(SettingsReport.yaml(settings))
    #expect(again.emission.channels == settings.emission.channels)
    #expect(again.emission.catalogue == settings.emission.catalogue)
    #expect(again.takesOnlyKnownEvents)
  }

  @Test(
    "what is wrong is told with its line and what to do",
    arguments: [
      (
        "channels:\n  c:\n    events: [ClaimExpierd]\n",
        "f.yaml:3: Unable to find event type 'ClaimExpierd' in the system. "
          + "Please, make sure you set the correct event type. The nearest known one is 'ClaimExpired'."
      ),
      (
        "channels: [c]\n",
        "f.yaml:1: 'channels' takes a mapping of channels, for example {claims: {events: [ClaimExpired]}}"
      ),
      (
        "channels:\n  c: {enabeld: true}\n",
        "f.yaml:2: unknown key 'enabeld' of a channel; the nearest known one is 'enabled'"
      ),
      ("channels:\n  c: {enabled: yes}\n", "f.yaml:2: 'enabled' is true or false"),
      ("channels:\n  c: {events: ClaimExpired}\n", "f.yaml:2: 'events' of a channel takes a list of event types"),
      (
        "channels:\n  a b: {}\n",
        "f.yaml:2: a channel's name has 1 to 64 characters out of A-Z a-z 0-9 _ . -, and is not . or .."
      ),
      (
        "events: 3\n", "f.yaml:1: 'events' takes a mapping of event types, for example {OrderShipped: {details: {...}}}"
      ),
      ("events:\n  A: {detials: {}}\n", "f.yaml:2: unknown key 'detials' of an event type; there is 'details'"),
      ("events:\n  A: {details: 3}\n", "f.yaml:2: 'details' takes a JSON Schema, a mapping of at most 60 levels"),
      (
        "events:\n  A: {details: {pattern: x}}\n", "f.yaml:2: schema: the keyword 'pattern' is not known"
      ),
      ("events:\n  '': {}\n", "f.yaml:2: an event type has 1 to 256 bytes without control characters"),
      ("chanels: {}\n", "f.yaml:1: unknown key 'chanels'; the nearest known one is 'channels'"),
    ])
  func wrong(file: String, problem: String) {
    #expect(problems(file) == [problem])
  }

  @Test("a channel and an event type given twice are refused")
  func twice() {
    #expect(problems("channels:\n  a: {}\n  a: {}\n").count == 1)
    #expect(problems("events:\n  A:\n  A:\n").count == 1)
  }

  @Test("`emit` skips what no channel wants, and takes the channels anew on SIGHUP")
  func reloads() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    let folder = FileManager.default.temporaryDirectory.appending(path: "channels-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "strandline.yaml")
    func write(_ text: String) throws { try Data(text.utf8).write(to: file) }
    func line(_ event: String) -> String { #"{"project":"p","queue":"q","body":{"event":"\#(event)"}}"# + "\n" }
    func emitted() async throws -> Int64 {
      let consumer = try KafkaConsumer(configuration: broker.configuration)
      let end = try await runOnOwnThread(name: "test-end") { () throws(KafkaError) in
        try consumer.watermarks(of: TopicPartition(topic: "audit.actions", partition: 0), timeout: .seconds(60)).high
      }
      await consumer.close()
      return end
    }

    try write("channels: {c: {events: [ClaimExpired]}}\n")
    let pipe = Pipe()
    let emit = try ChildProcess(
      ["emit", "--json", "--config", file.path, "--bootstrap-servers", broker.bootstrapServers],
      inputHandle: pipe.fileHandleForReading)
    defer { emit.signal(SIGKILL) }
    let input = pipe.fileHandleForWriting
    try input.write(contentsOf: Data((line("ClaimExpired") + line("ClaimReleased")).utf8))
    try await emit.wait(for: "the first action") { try await emitted() == 1 }

    try write("channels: {c: {events: [ClaimExpierd]}}\n")
    emit.signal(SIGHUP)
    try await emit.wait(for: "the problem") { emit.errorText.contains("The channels stay as they are") }
    #expect(emit.errorText.contains("The nearest known one is 'ClaimExpired'"))

    try write("channels: {c: {events: [ClaimReleased]}}\n")
    emit.signal(SIGHUP)
    try await emit.wait(for: "the new channels") { emit.errorText.contains("The channels were taken anew") }
    try input.write(contentsOf: Data((line("ClaimExpired") + line("ClaimReleased") + line("ClaimReleased")).utf8))
    try input.close()
    let result = try await emit.end()
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains(#""emitted":3,"skipped":2,"refused":0,"failed":0"#), "\(result.output)")
    #expect(try await emitted() == 3)
  }

  @Test("`emit` refuses a type that is not known where only known ones are taken, and says which is near")
  func strict() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    let result = try await ChildProcess.run([
      "emit", "--strict-events", "--bootstrap-servers", broker.bootstrapServers, "--project", "p", "--queue", "q",
      "--event", "ClaimExpierd",
    ])
    #expect(result.status == 65)
    #expect(result.error.contains("The nearest known one is 'ClaimExpired'."), "\(result.error)")
  }

  @Test("`emit` ends with 65 when all that is wrong are types that are not known, and details that break their schema")
  func dataErrors() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    let folder = FileManager.default.temporaryDirectory.appending(path: "data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "strandline.yaml")
    let schema = "{type: object, required: [order], properties: {order: {type: integer}}}"
    try Data("strict-events: true\nevents: {OrderShipped: {details: \(schema)}}\n".utf8).write(to: file)
    let arguments = [
      "emit", "--json", "--config", file.path, "--bootstrap-servers", broker.bootstrapServers, "--project", "p",
      "--queue", "q",
    ]
    let wrong = [#"{"event":"OrderShiped"}"#, #"{"event":"OrderShipped","details":{"order":"7"}}"#]
    let right = #"{"event":"OrderShipped","details":{"order":7}}"#
    for body in wrong {
      let result = try await ChildProcess.run(arguments, input: #"{"body":\#(body)}"# + "\n")
      #expect(result.status == 65, "\(body): \(result.error)")
    }
    let lines = (wrong + [right]).map { #"{"body":\#($0)}"# + "\n" }.joined()
    for (spool, accepted) in [([], "emitted"), (["--spool", folder.appending(path: "spool").path], "accepted")] {
      let result = try await ChildProcess.run(arguments + spool, input: lines)
      #expect(result.status == 65, "\(result.error)")
      #expect(result.output.contains(#""line":1,"error":"unknown_event""#), "\(result.output)")
      #expect(result.output.contains(#""line":2,"error":"invalid_action""#), "\(result.output)")
      #expect(result.output.contains(#""\#(accepted)":1,"skipped":0,"refused":2,"failed":0"#), "\(result.output)")
    }
    let single = try await ChildProcess.run(
      arguments + ["--event", "OrderShipped", "--details", #"{"order":"7"}"#])
    #expect(single.status == 65, "\(single.error)")
  }
}
