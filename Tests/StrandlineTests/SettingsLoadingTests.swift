import Testing

@testable import strandline

@Suite("Loading the settings")
struct SettingsLoadingTests {
  @Test("a flag is stronger than the environment, the environment than the file, the file than the default")
  func precedence() throws {
    let file = "default-ttl: 20\nlisten: 127.0.0.1:20\ntopic: from.file\n"
    let settings = try Settings.load(
      from: .init(
        flags: ["default-ttl": "40"], configPath: "strandline.yaml",
        environment: ["STRANDLINE_DEFAULT_TTL": "30", "STRANDLINE_LISTEN": "127.0.0.1:30"],
        readFile: { _ in file }))
    #expect(settings[SettingsTable.defaultTTL] == 40)
    #expect(settings.origin(of: SettingsTable.defaultTTL.definition) == .flag("--default-ttl"))
    #expect(settings[SettingsTable.listen] == NetworkAddress(host: "127.0.0.1", port: 30))
    #expect(settings.origin(of: SettingsTable.listen.definition) == .environment("STRANDLINE_LISTEN"))
    #expect(settings[SettingsTable.topic] == "from.file")
    #expect(settings.origin(of: SettingsTable.topic.definition) == .file(path: "strandline.yaml", line: 3))
    #expect(settings[SettingsTable.stalenessBound] == 10)
    #expect(settings.origin(of: SettingsTable.stalenessBound.definition) == .builtIn)
  }

  @Test("the dead-letter topic follows the topic unless it is named")
  func deadLetterTopic() throws {
    #expect(try load(flags: ["topic": "t"])[SettingsTable.deadLetterTopic] == "t.dlq")
    #expect(try load(flags: ["topic": "t", "dead-letter-topic": "d"])[SettingsTable.deadLetterTopic] == "d")
  }

  @Test(
    "an unknown key of the file is refused with the nearest known one",
    arguments: [
      ("listn", "listen"), ("bootstrap_servers", "bootstrap-servers"), ("defualt-ttl", "default-ttl"),
      ("kakfa", "kafka"),
    ])
  func unknownKey(key: String, nearest: String) {
    let problems = problems(file: "\(key): 1")
    #expect(problems.count == 1)
    #expect(problems.first?.contains("unknown key '\(key)'; the nearest known one is '\(nearest)'") == true)
  }

  @Test(
    "an unknown variable is refused with the nearest known one",
    arguments: [
      ("STRANDLINE_DEFAULT_TLT", "STRANDLINE_DEFAULT_TTL"), ("STRANDLINE_CONFG", "STRANDLINE_CONFIG"),
      ("STRANDLINE_MARKER_KEY_FIEL", "STRANDLINE_MARKER_KEY_FILE"),
    ])
  func unknownVariable(name: String, nearest: String) {
    let problems = problems(environment: [name: "1"])
    #expect(problems == ["environment \(name): unknown variable; the nearest known one is \(nearest)"])
  }

  @Test(
    "a name that resembles none is not guessed at; the reference is named instead",
    arguments: ["x", "foo", "STRANDLINE_X", "STRANDLINE_QUITE_ANOTHER_THING"])
  func farOff(name: String) {
    let problems = name.hasPrefix("STRANDLINE_") ? problems(environment: [name: "1"]) : problems(file: "\(name): 1")
    #expect(problems.count == 1)
    #expect(problems.first?.hasSuffix("; 'strandline config reference' lists all") == true, "\(problems)")
  }

  @Test("a variable for a librdkafka property with one underscore too few is told its spelling")
  func kafkaVariable() {
    #expect(
      problems(environment: ["STRANDLINE_KAFKA_SECURITY_PROTOCOL": "SSL"]) == [
        "environment STRANDLINE_KAFKA_SECURITY_PROTOCOL: unknown variable; a property of librdkafka is set with two "
          + "underscores: STRANDLINE_KAFKA__SECURITY_PROTOCOL"
      ])
  }

  @Test("a problem names its setting once, and an example is of the same kind")
  func wording() {
    #expect(
      problems(flags: ["default-ttl": "0"]) == ["flag --default-ttl: 0 is out of range; use 1 to 1209600"])
    #expect(
      problems(file: "default-ttl: 0") == ["f.yaml:1: default-ttl: 0 is out of range; use 1 to 1209600"])
    #expect(problems(flags: ["bootstrap-servers": ""]).first?.contains("9092") == true)
  }

  @Test("a configuration file that cannot be read is an error of the configuration, and a directory is told as one")
  func unreadableFile() {
    let error = #expect(throws: ConfigurationError.self) {
      try Settings.load(from: .init(configPath: "/", readFile: readSettingsFile))
    }
    #expect(error?.description == "flag --config: / is a directory; name a file")
    #expect(error.map { CommandEnd($0).status } == 78)
  }

  @Test("variables that Kubernetes makes of a service called strandline are passed over")
  func serviceLinks() throws {
    let settings = try load(environment: [
      "STRANDLINE_SERVICE_HOST": "10.0.0.1", "STRANDLINE_SERVICE_PORT": "8080", "STRANDLINE_SERVICE_PORT_HTTP": "8080",
      "STRANDLINE_PORT": "tcp://10.0.0.1:8080", "STRANDLINE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
      "STRANDLINE_PORT_8080_TCP_ADDR": "10.0.0.1", "STRANDLINE_FEED_SERVICE_HOST": "10.0.0.2",
    ])
    #expect(settings[SettingsTable.listen]?.port == 8080)
    #expect(problems(environment: ["STRANDLINE_PORT": "8080"]).count == 1)
  }

  @Test(
    "values out of range or of the wrong kind are refused, and the answer says what is accepted",
    arguments: [
      ("default-ttl", "0", "1 to 1209600"), ("default-ttl", "1209601", "1 to 1209600"),
      ("default-ttl", "5m", "1 to 1209600"),
      ("default-ttl", "99999999999999999999", "1 to 1209600"), ("listen", "8080", "HOST:PORT"),
      ("listen", "127.0.0.1:70000", "0 to 65535"), ("listen", "::1:80", "[::1]:8080"), ("topic", "a b", "1 to 249"),
      ("topic", "", "1 to 249"), ("log-level", "loud", "warning"), ("store-budget-bytes", "1KiB", "64 MiB"),
      ("store-budget-bytes", "99999999999TiB", "KiB"), ("bootstrap-servers", "broker", "HOST:PORT"),
      ("bootstrap-servers", "a:9092,,b:9092", "HOST:PORT"), ("url", "localhost:8080", "http://"),
    ])
  func outOfRange(key: String, text: String, accepted: String) {
    let problems = problems(flags: [key: text])
    #expect(problems.count == 1)
    #expect(problems.first?.contains(accepted) == true, "\(problems)")
  }

  @Test("every problem is told at once")
  func allProblems() {
    let problems = problems(
      flags: ["default-ttl": "0"], environment: ["STRANDLINE_LISTEN": "x", "STRANDLINE_TPOIC": "t"],
      file: "staleness-bound: never\n")
    #expect(problems.count == 4)
  }

  @Test(
    "a file that is no mapping of settings is refused, with its line and without its text",
    arguments: [
      "- a\n- b\n", "listen\n", "a: [1\nb: 2\n", "topic: a\ntopic: b\n", "topic:\n", "topic: {a: b}\n", "kafka: 3\n",
    ])
  func wrongFile(text: String) {
    #expect(problems(file: text).count == 1)
  }

  @Test("an empty file and one of comments say nothing", arguments: ["", "\n", "# nothing\n", "kafka:\n"])
  func emptyFile(text: String) {
    #expect(problems(file: text).isEmpty)
  }

  @Test("a configuration file that is not there is an error of its flag or its variable")
  func missingFile() {
    let missing: (String) throws(SettingFault) -> String = { path throws(SettingFault) in
      throw SettingFault("there is no file \(path)")
    }
    #expect(
      throws: ConfigurationError(problems: [.init(origin: .flag("--config"), message: "there is no file a.yaml")])
    ) {
      try Settings.load(from: .init(configPath: "a.yaml", readFile: missing))
    }
    #expect(
      throws: ConfigurationError(problems: [
        .init(origin: .environment("STRANDLINE_CONFIG"), message: "there is no file b.yaml")
      ])
    ) {
      try Settings.load(from: .init(environment: ["STRANDLINE_CONFIG": "b.yaml"], readFile: missing))
    }
  }

  @Test("a problem of flags alone is a usage error, one of file or environment is of the configuration")
  func usageOrConfiguration() {
    #expect(CommandEnd(error(flags: ["listen": "x"])).status == 64)
    #expect(CommandEnd(error(environment: ["STRANDLINE_LISTEN": "x"])).status == 78)
    #expect(CommandEnd(error(flags: ["listen": "x"], file: "tpoic: x")).status == 78)
  }

  @Test("a setting that a command needs and nobody gave names its flag, variable and key")
  func missingSetting() throws {
    let settings = try load()
    let error = #expect(throws: ConfigurationError.self) { try settings.value(SettingsTable.project) }
    let text = "\(try #require(error))"
    #expect(text.contains("--project") && text.contains("STRANDLINE_PROJECT") && text.contains("'project'"))
  }

  // MARK: - Shorthands

  private func load(flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil)
    throws(ConfigurationError)
    -> Settings
  {
    try Settings.load(
      from: .init(
        flags: flags, configPath: file.map { _ in "f.yaml" }, environment: environment, readFile: { _ in file ?? "" }))
  }

  private func error(flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil)
    -> ConfigurationError
  {
    do {
      _ = try load(flags: flags, environment: environment, file: file)
      return ConfigurationError(problems: [])
    } catch {
      return error
    }
  }

  private func problems(flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil)
    -> [String]
  {
    error(flags: flags, environment: environment, file: file).problems.map(\.description)
  }
}
