import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("Checksums and signatures, used as users use them")
struct ProofCommandTests {
  /// RFC 8032's first test key.
  private static let secretKey = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    -----END PRIVATE KEY-----

    """
  private static let publicKey = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----

    """

  private let folder = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)")

  private func file(_ name: String, _ text: String) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appending(path: name)
    try Data(text.utf8).write(to: file)
    return file.path
  }

  @Test("what emit signs is archived and found whole; under another's key it is not")
  func wholeWay() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let key = try file("worker.pem", Self.secretKey)
    let broker = try EmbeddedBroker()
    try broker.createTopic("audit.actions", partitions: 1)
    let emit = ["emit", "--bootstrap-servers", broker.bootstrapServers, "--source", "/workers/7", "--checksum"]
    let one = try await ChildProcess.run(
      emit + ["--action-signing-key-file", key, "--project", "p", "--queue", "q", "--event", "X"])
    #expect(one.status == 0, "\(one.error)")
    let lines = try await ChildProcess.run(
      emit + ["--action-signing-key-file", key, "--spool", folder.appending(path: "spool").path],
      input: #"{"project":"p","queue":"q","body":{"event":"Y"}}"# + "\n")
    #expect(lines.status == 0, "\(lines.error)")

    let archive = folder.appending(path: "archive")
    try FileManager.default.createDirectory(at: archive, withIntermediateDirectories: true)
    let url = "file://\(archive.path)"
    let once = try await ChildProcess.run(
      ["archive", "--once", "--to", url, "--bootstrap-servers", broker.bootstrapServers])
    #expect(once.status == 0, "\(once.error)")
    await broker.close()
    let keys = try file("keys", "/workers/7\n\(Self.publicKey)")
    let clean = try await ChildProcess.run(["verify", url, "--source-keys", keys])
    #expect(clean.status == 0 && clean.output.contains("2 actions were held against checksums or signatures"))
    #expect(!clean.output.contains("--source-keys"))
    let keyless = try await ChildProcess.run(["verify", url])
    #expect(keyless.status == 0 && keyless.output.contains("2 signatures are of sources without a key"))
    let others = try file(
      "others",
      "/workers/7\n"
        + Self.publicKey.replacing(
          "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", with: "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw"))
    let wrong = try await ChildProcess.run(["verify", url, "--source-keys", others])
    #expect(
      wrong.status == 1 && wrong.output.contains("wrong-source-signature") && wrong.output.contains("offset 0, 1: "))
  }

  @Test("keys that are wrong, and a feed that would refuse its own posts, are errors of the configuration")
  func wrongSettings() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let keys = try file("keys", "/workers/7\n\(Self.publicKey)")
    let own = try file("own", "/strandline/feed\n\(Self.publicKey)")
    let broken = try file("broken", "/workers/7\n\(Self.secretKey)")
    func problem(_ flags: [String: String]) throws -> String? {
      let settings = try Settings.load(from: .init(flags: flags, readFile: readSettingsFile))
      do throws(ConfigurationError) {
        _ = try NodeConfiguration(settings)
        return nil
      } catch { return "\(error)" }
    }
    #expect(try problem(["source-keys": keys]) == nil)
    #expect(try problem(["source-keys": keys, "require-signatures": "known"]) == nil)
    #expect(
      try problem(["source-keys": own, "require-signatures": "all", "action-signing-key": Self.secretKey]) == nil)
    #expect(try problem(["require-signatures": "known"])?.contains("--source-keys") == true)
    #expect(try problem(["source-keys": folder.path + "/none"])?.contains("there is no file") == true)
    #expect(try problem(["source-keys": broken])?.contains("line 2: this is no public Ed25519 key") == true)
    #expect(try problem(["source-keys": keys, "require-signatures": "all"])?.contains("posted to this feed") == true)
    #expect(try problem(["source-keys": own, "require-signatures": "known"])?.contains("posted to this feed") == true)
    let nonsense = try problem(["action-signing-key": "hunter2"])
    #expect(nonsense?.contains("no Ed25519 key") == true && nonsense?.contains("hunter2") == false)
    #expect(throws: ConfigurationError.self) {
      try Settings.load(from: .init(flags: ["require-signatures": "some"], readFile: readSettingsFile))
    }
  }
}
