import ActionArchive
import ActionProof
import ArgumentParser
import ObjectStores

/// `strandline verify`
struct VerifyCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check that an archive is complete and unaltered; needs no Kafka.",
    discussion: """
        strandline verify s3://audit/strandline --public-key signing.pub

      Reads every object once. Each thing that is wrong is a line: what it is, the object's name, and what was found. \
      The exit code is 0 when nothing is wrong and 1 when something is.

      Kinds: missing, added, altered, truncated, missing-offset, broken-chain, wrong-signature, missing-signature, \
      wrong-checksum, wrong-source-signature, garbled.

      Actions that carry a checksum are held against it, and with --source-keys those that carry a signature.
      """)

  @Argument(help: ArgumentHelp("The archive.", valueName: "URL")) var url: String

  @Option(
    name: .customLong("public-key"), parsing: .singleValue,
    help: ArgumentHelp(
      "Ed25519 public key in PEM; every manifest must be signed by it, or by one of several. Without it, signatures are "
        + "not looked at.", valueName: "FILE"), completion: .file())
  var publicKeys: [String] = []

  @OptionGroup var sourceKeys: SourceKeysFlags
  @OptionGroup var common: CommonFlags

  var groups: [any SettingFlags] { [sourceKeys] }

  func run(_ context: CommandContext) async throws {
    var keys: [ManifestVerifier] = []
    for path in publicKeys {
      do { keys.append(try ManifestVerifier(pem: try readSettingsFile(path))) } catch let fault as SettingFault {
        throw CommandFailure(.input, "--public-key: \(fault)")
      } catch {
        throw CommandFailure(archive: error)
      }
    }
    let proof = RecordProof(keys: try context.settings.proof().keys)
    let store = try context.objectStore(url)
    let screen = VerifyScreen(asJSON: context.json, colour: context.colour)
    var verification = ArchiveVerification(
      store: store, keys: keys, proof: proof, onFinding: { screen.show($0) }, onProgress: { screen.show($0) })
    let report: VerificationReport
    do {
      report = try await verification.run()
      await store.close()
    } catch {
      await store.close()
      screen.end()
      throw CommandFailure(archive: error)
    }
    screen.end()
    try screen.show(report)
    if !report.isClean { throw CommandFailure(.failure, "") }
  }
}
