import AuditActions
import Foundation
import Kafka
import Testing

@testable import strandline

@Suite("dev")
struct DevTests {
  /// Always the same numbers.
  struct Fixed: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state
    }
  }

  @Test("simulated workers do all five kinds of action, at a gentle pace, each claim in an order that can be")
  func workers() {
    var seen: Set<String> = []
    for seed in 0..<20 {
      var worker = DemoWorker(number: seed, random: Fixed(state: UInt64(seed)))
      var isWorking = false
      for _ in 0..<200 {
        let (actions, pause) = worker.step()
        #expect(!actions.isEmpty && pause >= .milliseconds(600) && pause <= .seconds(3))
        for action in actions {
          seen.insert(action.type.rawValue)
          #expect(action.clientID != nil && action.userAgent != nil)
          #expect((action.type == .messagesClaimed) != isWorking)
        }
        if actions.contains(where: { $0.type == .messagesClaimed }) {
          isWorking = true
        } else if !actions.contains(where: { $0.type == .claimUpdated }) {
          isWorking = false
        }
      }
    }
    #expect(seen == ["MessagesClaimed", "ClaimUpdated", "ClaimReleased", "ClaimExpired", "MessageDeleted"])
  }

  @Test("the screen shows the addresses and three lines to paste")
  func screen() throws {
    let settings = try Settings.load(from: .init(flags: ["listen": "0.0.0.0:0"], readFile: { _ in "" }))
    var configuration = try NodeConfiguration(settings)
    configuration.kafka = .init(bootstrapServers: "127.0.0.1:9999")
    let screen = DevScreen(
      configuration: configuration, program: "/opt/my tools/strandline", hasDemo: true, isTemporary: false)
    let text = screen.text(port: 8085, Colour(isOn: false))
    #expect(text.contains("\ncurl -s 'http://127.0.0.1:8085/v1/demo/queues/orders/actions?limit=5'\n"))
    #expect(
      text.contains("\n'/opt/my tools/strandline' follow --url http://127.0.0.1:8085 --project demo --queue orders\n"))
    #expect(text.contains("| kcat -P -b 127.0.0.1:9999 -t audit.actions -K '|' -X partitioner=murmur2_random\n"))
    let first = try #require(
      try JSONSerialization.jsonObject(with: Data(screen.json(port: 8085).bytes)) as? [String: String])
    #expect(first["url"] == "http://127.0.0.1:8085" && first["bootstrapServers"] == "127.0.0.1:9999")
  }

  @Test(
    "words are quoted for a shell where they must be",
    arguments: [
      ("strandline", "strandline"), (".build/debug/strandline", ".build/debug/strandline"), ("", "''"),
      ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
    ])
  func shellWords(text: String, word: String) {
    #expect(DevScreen.shellWord(text) == word)
  }

  @Test("dev that is stopped while it starts ends without an error and leaves no directory behind")
  func stoppedEarly() async throws {
    let files = FileManager.default
    let place = files.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)").path
    try files.createDirectory(atPath: place, withIntermediateDirectories: false)
    defer { try? files.removeItem(atPath: place) }
    let child = try ChildProcess(["dev", "--listen", "127.0.0.1:0"], environment: ["TMPDIR": place])
    try await child.wait(for: "the data directory") { try !files.contentsOfDirectory(atPath: place).isEmpty }
    child.signal(SIGTERM)
    let end = try await child.end()
    #expect(end.status == 0, "\(end.error)")
    #expect(try files.contentsOfDirectory(atPath: place).isEmpty)
  }

  @Test("a port that is taken is told with the flag, and the next free one is found")
  func ports() throws {
    let taken = try TakenPort()
    defer { taken.close() }
    let address = NetworkAddress(host: "127.0.0.1", port: taken.port)
    let error = #expect(throws: CommandFailure.self) { try PortCheck.require(address, flag: "--listen") }
    #expect(error?.status == .unavailable)
    #expect(error?.description.contains("--listen") == true)
    let next = PortCheck.nextFree(from: address)
    #expect(next.port != taken.port)
    #expect(PortCheck.obstacle(NetworkAddress(host: "no.such.host.invalid", port: 80)) != nil)
  }
}

/// A port of loopback that somebody listens on.
struct TakenPort {
  let port: Int
  private let descriptor: Int32

  struct NoPort: Error {}

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw NoPort() }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard code else { throw NoPort() }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  func close() { _ = Foundation.close(descriptor) }
}
