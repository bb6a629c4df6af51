import Testing

@testable import strandline

@Suite("Secrets and librdkafka properties")
struct SecretsTests {
  private let key = String(repeating: "A", count: 43) + "="

  @Test("a sealing key comes as a value or from a file, and a line end after it does not matter")
  func keyFromFile() throws {
    let files: (String) throws(SettingFault) -> String = { [key] _ in key + "\n" }
    let direct = try Settings.load(from: .init(environment: ["STRANDLINE_MARKER_KEY": key], readFile: files))
    let named = try Settings.load(from: .init(environment: ["STRANDLINE_MARKER_KEY_FILE": "/run/key"], readFile: files))
    let flag = try Settings.load(from: .init(flags: ["marker-key-file": "key"], readFile: files))
    #expect(direct[SettingsTable.markerKey]?.bytes == [UInt8](repeating: 0, count: 32))
    #expect(named[SettingsTable.markerKey] == direct[SettingsTable.markerKey])
    #expect(flag[SettingsTable.markerKey] == direct[SettingsTable.markerKey])
    #expect(named.origin(of: SettingsTable.markerKey.definition) == .environment("STRANDLINE_MARKER_KEY_FILE"))
  }

  @Test("a value and a file of one level exclude each other; over several levels the stronger one counts")
  func valueAndFile() throws {
    let files: (String) throws(SettingFault) -> String = { [key] _ in key }
    #expect(throws: ConfigurationError.self) {
      try Settings.load(
        from: .init(environment: ["STRANDLINE_MARKER_KEY": key, "STRANDLINE_MARKER_KEY_FILE": "f"], readFile: files))
    }
    let settings = try Settings.load(
      from: .init(flags: ["marker-key-file": "f"], environment: ["STRANDLINE_MARKER_KEY": "broken"], readFile: files))
    #expect(settings[SettingsTable.markerKey] != nil)
  }

  @Test("a broken secret is refused without being repeated")
  func brokenSecret() {
    let error = #expect(throws: ConfigurationError.self) {
      try Settings.load(from: .init(flags: ["marker-key": "hunter2"], readFile: { _ in "" }))
    }
    #expect(error.map { "\($0)".contains("hunter2") } == false)
    #expect(error.map { "\($0)".contains("32 bytes") } == true)
  }

  @Test("librdkafka's properties pass through from flags, environment and file, the strongest first")
  func properties() throws {
    let file =
      "kafka:\n  security.protocol: SASL_SSL\n  sasl.password: {file: /run/password}\n  linger.ms: 1\n  fetch.min.bytes: 7\n"
    let settings = try Settings.load(
      from: .init(
        kafkaProperties: ["linger.ms=3", "ssl.key.password=a=b"], configPath: "f.yaml",
        environment: [
          "STRANDLINE_KAFKA__LINGER_MS": "2", "STRANDLINE_KAFKA__SASL_USERNAME_FILE": "/run/user",
          "STRANDLINE_KAFKA__FETCH_MIN_BYTES": "8",
        ],
        readFile: { path in
          switch path {
          case "f.yaml": file
          case "/run/password": "secret\n"
          default: "ann"
          }
        }))
    let values = Dictionary(uniqueKeysWithValues: settings.kafkaProperties.map { ($0.name, $0.value) })
    #expect(
      values == [
        "security.protocol": "SASL_SSL", "sasl.password": "secret", "linger.ms": "3", "fetch.min.bytes": "8",
        "ssl.key.password": "a=b", "sasl.username": "ann",
      ])
  }

  @Test(
    "a property without a value and the brokers in disguise are refused",
    arguments: ["linger.ms", "=1", "bootstrap.servers=a:1"])
  func wrongProperty(text: String) {
    #expect(throws: ConfigurationError.self) {
      try Settings.load(from: .init(kafkaProperties: [text], readFile: { _ in "" }))
    }
  }

  @Test("what is printed masks every secret and names every origin")
  func masking() throws {
    let settings = try Settings.load(
      from: .init(
        flags: ["marker-key": key],
        kafkaProperties: ["sasl.password=hunter2", "ssl.key.pem=hunter2", "sasl.username=ann"],
        environment: ["STRANDLINE_TOPIC": "t"], readFile: { _ in "" }))
    let text = SettingsReport.yaml(settings)
    #expect(!text.contains("hunter2") && !text.contains(key))
    #expect(text.contains("marker-key: '********'") && text.contains("sasl.username: ann"))
    let lines = SettingsReport.lines(settings)
    #expect(lines.contains(.init(key: "topic", value: "t", origin: "environment STRANDLINE_TOPIC", isSecret: false)))
    #expect(
      lines.contains(
        .init(key: "kafka.sasl.password", value: "********", origin: "flag --kafka-property", isSecret: true)))
    #expect(lines.contains(.init(key: "ttl", value: nil, origin: "not set", isSecret: false)))
  }

  @Test("what is printed can be read back as a configuration file")
  func readBack() throws {
    let first = try Settings.load(
      from: .init(
        flags: ["listen": "[::1]:80", "details": #"{"it's": ": #"}"#], kafkaProperties: ["debug=a, b"],
        readFile: { _ in "" }))
    let text = SettingsReport.yaml(first)
    let second = try Settings.load(from: .init(configPath: "f", readFile: { _ in text }))
    #expect(first.resolved.mapValues(\.text) == second.resolved.mapValues(\.text))
    #expect(first.kafkaProperties.map(\.value) == second.kafkaProperties.map(\.value))
  }
}
