import Foundation
import Testing

@testable import strandline

@Suite("The command, run as users run it")
struct CommandLineTests {
  @Test("dev shows where it is, takes actions from emit, gives them to actions and follow, and ends cleanly at SIGINT")
  func dev() async throws {
    let dev = try ChildProcess(["dev", "--json", "--listen", "127.0.0.1:0", "--default-ttl", "600"])
    defer { dev.signal(SIGKILL) }
    try await dev.wait(for: "the first line") { dev.outputText.contains("\n") }
    let line = try #require(dev.outputText.split(separator: "\n").first)
    let first = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    let (url, brokers, data) = (
      try #require(first["url"]), try #require(first["bootstrapServers"]), try #require(first["data"])
    )
    #expect(FileManager.default.fileExists(atPath: data))

    let one = try await ChildProcess.run([
      "emit", "--bootstrap-servers", brokers, "--project", "p", "--queue", "q", "--event", "MessageDeleted",
      "--details",
      #"{"message_id":"1"}"#,
    ])
    #expect(one.status == 0, "\(one.error)")
    let lines = [
      #"{"project":"p","queue":"q","ttl":60,"body":{"event":"A",  "n":1}}"#, "nonsense",
      #"{"project":"p","queue":"q/","body":{"event":"A"}}"#, #"{"project":"p","queue":"q","body":{"event":"B"}}"#,
    ]
    let many = try await ChildProcess.run(
      ["emit"], input: lines.joined(separator: "\n"), environment: ["STRANDLINE_BOOTSTRAP_SERVERS": brokers])
    #expect(many.status == 65)
    #expect(many.error.contains("line 2: invalid_json") && many.error.contains("line 3: invalid_queue"))
    #expect(many.error.contains("2 emitted"))

    let reading = ["--url", url, "--project", "p", "--queue", "q", "--json"]
    let follow = try ChildProcess(["follow"] + reading + ["--interval", "50"])
    try await follow.wait(for: "three actions") { follow.outputText.split(separator: "\n").count >= 3 }
    follow.signal(SIGINT)
    _ = try await follow.end()
    let actions = try await ChildProcess.run(["actions"] + reading)
    #expect(actions.status == 0)
    let messages = actions.output.split(separator: "\n")
    #expect(messages.count == 3 && follow.outputText.split(separator: "\n").count == 3)
    #expect(messages.dropFirst().first?.contains(#""ttl":60,"#) == true)
    #expect(messages.dropFirst().first?.hasSuffix(#""body":{"event":"A",  "n":1}}"#) == true)
    #expect(messages.last?.contains(#""ttl":600,"#) == true)
    let filtered = try await ChildProcess.run(["actions"] + reading + ["--event", "B"])
    #expect(filtered.output.split(separator: "\n").count == 1)
    let wrong = try await ChildProcess.run(["actions"] + reading + ["--marker", "damaged"])
    #expect(wrong.status == 1 && wrong.error.contains("(400)"))

    dev.signal(SIGINT)
    let end = try await dev.end()
    #expect(end.status == 0, "\(end.error)")
    #expect(!FileManager.default.fileExists(atPath: data))
  }

  @Test("dev goes on with the data of an earlier run that was killed, and tells a second process that it is in use")
  func devAgain() async throws {
    let data = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: data) }
    for round in 1...3 {
      let dev = try ChildProcess(["dev", "--json", "--listen", "127.0.0.1:0", "--data", data])
      defer { dev.signal(SIGKILL) }
      try await dev.wait(for: "the first line") { dev.outputText.contains("\n") }
      let line = try #require(dev.outputText.split(separator: "\n").first)
      let first = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
      let emitted = try await ChildProcess.run([
        "emit", "--bootstrap-servers", try #require(first["bootstrapServers"]), "--project", "p", "--queue", "q",
        "--event",
        "Round\(round)",
      ])
      #expect(emitted.status == 0, "\(emitted.error)")
      let url = try #require(first["url"])
      try await dev.wait(for: "the actions of all rounds") {
        let actions = try await ChildProcess.run(["actions", "--url", url, "--project", "p", "--queue", "q", "--json"])
        let events = actions.output.split(separator: "\n").compactMap { $0.firstMatch(of: /"event":"(Round[0-9])"/)?.1 }
        return events == (1...round).map { "Round\($0)" }
      }
      if round == 1 {
        let second = try await ChildProcess.run(["dev", "--listen", "127.0.0.1:0", "--data", data])
        #expect(second.status == 74 && second.error.contains("--data"))
      }
      dev.signal(SIGKILL)
      _ = try await dev.end()
    }
  }

  @Test("a port that is taken is told with the name of the flag", arguments: ["dev", "serve"])
  func takenPort(command: String) async throws {
    let taken = try TakenPort()
    defer { taken.close() }
    let result = try await ChildProcess.run([command, "--listen", "127.0.0.1:\(taken.port)"])
    #expect(result.status == 69)
    #expect(result.error.contains("--listen"))
  }

  @Test("serve without Kafka says so, answers 503 with Retry-After, keeps trying, and ends at SIGTERM")
  func serveWithoutKafka() async throws {
    let data = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: data) }
    let serve = try ChildProcess([
      "serve", "--bootstrap-servers", "127.0.0.1:1", "--data", data, "--listen", "127.0.0.1:0",
    ])
    defer { serve.signal(SIGKILL) }
    try await serve.wait(for: "a line about Kafka and the address") {
      serve.outputText.contains("Kafka cannot be read; trying again") && serve.outputText.contains("The feed listens")
    }
    let url = try #require(serve.outputText.firstMatch(of: /"url":"([^"]+)"/)?.1)
    let reading = await FeedClient(url: String(url)).read("/v1/p/queues/q/actions")
    guard case .unavailable(503, .some, _) = reading else {
      Issue.record("not what a node without Kafka answers: \(reading)")
      return
    }
    for line in serve.outputText.split(separator: "\n") {
      #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) is [String: Any], "no JSON: \(line)")
    }
    serve.signal(SIGTERM)
    #expect(try await serve.end().status == 0)
  }

  @Test("a data directory that cannot be written is an error that names it")
  func unwritable() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)").path
    try Data("x".utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    let result = try await ChildProcess.run(["serve", "--data", file + "/below", "--listen", "127.0.0.1:0"])
    #expect(result.status == 74)
    #expect(result.error.contains(file))
  }

  @Test("a data directory of a newer version is refused, by serve and by doctor")
  func newerVersion() async throws {
    let data = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: data) }
    try Data("99\n".utf8).write(to: data.appending(path: "VERSION"))
    let serve = try await ChildProcess.run(["serve", "--data", data.path, "--listen", "127.0.0.1:0"])
    #expect(serve.status == 74 && serve.error.contains("version 99"))
    let doctor = try await ChildProcess.run(["doctor", "--bootstrap-servers", "127.0.0.1:1", "--data", data.path])
    #expect(doctor.status == 1)
    #expect(doctor.output.contains("[fail] broker") && doctor.output.contains("layout version 99"))
  }

  @Test("emit says that Kafka cannot be reached")
  func emitWithoutKafka() async throws {
    let result = try await ChildProcess.run([
      "emit", "--bootstrap-servers", "127.0.0.1:1", "--project", "p", "--queue", "q", "--event", "A",
    ])
    #expect(result.status == 69)
    #expect(result.error.contains("127.0.0.1:1 cannot be reached"))
  }

  @Test(
    "wrong flags end with 64, a wrong environment with 78",
    arguments: [
      (["emit", "--project", "p", "--queue", "q", "--event", "A", "--details", "[1]"], [:], 64, "details"),
      (["emit", "--queue", "q", "--event", "A"], [:], 64, "--project"),
      (["emit", "--project", "p/", "--queue", "q", "--event", "A"], [:], 64, "project"),
      (["serve", "--default-ttl", "0"], [:], 64, "1 to 1209600"), (["serve", "--listn", "x"], [:], 64, "--listen"),
      (["serve", "--kafka-property", "linger.mss=1"], [:], 64, "linger.mss"),
      (["follow", "--interval", "1"], [:], 64, "--interval"),
      (["config", "print"], ["STRANDLINE_TPOIC": "x"], 78, "STRANDLINE_TOPIC"),
      (["config", "print"], ["STRANDLINE_CONFIG": "/nonexistent.yaml"], 78, "/nonexistent.yaml"),
    ] as [([String], [String: String], Int32, String)])
  func usage(arguments: [String], environment: [String: String], status: Int32, word: String) async throws {
    let result = try await ChildProcess.run(arguments, environment: environment)
    #expect(result.status == status, "\(result.error)")
    #expect(result.error.contains(word), "\(result.error)")
  }

  @Test(
    "every command explains itself with an example",
    arguments: [
      [], ["dev"], ["serve"], ["emit"], ["actions"], ["follow"], ["topic", "create"], ["doctor"], ["queue", "get"],
      ["queue", "set"], ["queue", "delete"], ["config", "print"],
    ])
  func help(command: [String]) async throws {
    let result = try await ChildProcess.run(command + ["--help"])
    #expect(result.status == 0)
    #expect(result.output.contains("  strandline "))
  }

  @Test("completion scripts are made", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) async throws {
    let result = try await ChildProcess.run(["--generate-completion-script", shell])
    #expect(result.status == 0 && result.output.contains("bootstrap-servers"))
  }
}
