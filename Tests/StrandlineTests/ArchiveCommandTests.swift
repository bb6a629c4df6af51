import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("archive and verify, run as users run them")
struct ArchiveCommandTests {
  @Test("a topic is archived, verified, read back; what is tampered with is named, and exit codes tell")
  func wholeWay() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    for number in 0..<3 {
      _ = try await producer.sendAcknowledged(
        topic: "audit.actions", key: Array("p/q\(number)".utf8), value: Array("{\n\"event\":\"E\(number)\"}".utf8))
    }
    await producer.close(flushTimeout: .seconds(10))
    let folder = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let url = "file://\(folder.path)"

    let empty = try await ChildProcess.run(["verify", url])
    #expect(empty.status == 1 && empty.error.contains("no archive"))

    let once = try await ChildProcess.run(
      ["archive", "--once", "--json", "--to", url, "--bootstrap-servers", broker.bootstrapServers])
    #expect(once.status == 0, "\(once.error)")
    #expect(once.output.contains(#""actions":3"#))
    await broker.close()

    let clean = try await ChildProcess.run(["verify", url])
    #expect(clean.status == 0 && clean.output.contains("nothing is wrong: 1 manifests, 1 objects, 3 actions"))
    let list = try await ChildProcess.run(["archive", "list", url])
    #expect(list.output.hasPrefix("0  0-2  "))
    let cat = try await ChildProcess.run(["archive", "cat", url, "--queue", "q1"])
    #expect(cat.output.hasPrefix(#"{"project":"p","queue":"q1","partition":0,"offset":1,"event":"E1","#))
    let get = try await ChildProcess.run(["archive", "get", url, "0", "2"])
    #expect(get.output == "{\n\"event\":\"E2\"}\n")
    let absent = try await ChildProcess.run(["archive", "get", url, "0", "7"])
    #expect(absent.status == 1 && absent.error.contains("does not say anything of offset 7"))

    let key = try #require(list.output.split(separator: " ").last).trimmingCharacters(in: .newlines)
    let object = folder.appending(path: key)
    try Data(try Data(contentsOf: object).dropLast(5)).write(to: object)
    let tampered = try await ChildProcess.run(["verify", url, "--json"])
    #expect(tampered.status == 1)
    #expect(tampered.output.contains(#"{"finding":"truncated","key":"\#(key)""#))
    #expect(tampered.output.contains(#"{"clean":false,"findings":2,"#))
  }

  @Test(
    "what cannot be done is said with the right exit code",
    arguments: [
      (["archive", "--to", "ftp://x"], 78), (["archive", "--to", "file:///tmp/x", "--period", "7"], 78),
      (["archive", "--to", "file:///tmp/x", "--signing-key", "nonsense"], 78), (["archive"], 64),
      (["verify", "file:///tmp/x", "--public-key", "/nowhere/key.pem"], 74), (["verify"], 64),
      (["archive", "get", "file:///tmp/x", "0", "-1"], 64), (["archive", "cat", "file:///tmp/x", "--from", "now"], 64),
    ] as [([String], Int32)])
  func exits(arguments: [String], status: Int32) async throws {
    let end = try await ChildProcess.run(arguments)
    #expect(end.status == status, "\(arguments): \(end.error)")
    #expect(!end.error.isEmpty)
  }
}
