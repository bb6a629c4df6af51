import AuditActions

/// What the environment says: `STRANDLINE_…` variables, each known, or a problem.
struct ConfigurationEnvironment {
  static let configVariable = "STRANDLINE_CONFIG"

  private(set) var settings: [String: GivenValue] = [:]
  private(set) var kafka: [String: GivenValue] = [:]
  private(set) var kafkaFiles: [String: GivenValue] = [:]
  private(set) var problems: [ConfigurationError.Problem] = []

  init(reading variables: [String: String]) {
    for (name, text) in variables.sorted(by: { $0.key < $1.key })
    where name.hasPrefix(SettingDefinition.environmentPrefix) {
      let value = GivenValue(text: text, origin: .environment(name))
      if name == Self.configVariable { continue }
      if name.hasPrefix(KafkaProperty.environmentPrefix) {
        let property = KafkaProperty.name(ofEnvironment: name)
        // No librdkafka property ends in ".file": the ending always means a file that holds the value.
        if property.hasSuffix(".file") {
          kafkaFiles[String(property.dropLast(5))] = value
        } else {
          kafka[property] = value
        }
      } else if let key = Self.keysByVariable[name] {
        settings[key] = value
      } else if !Self.isServiceLink(name, text) {
        problems.append(.init(origin: value.origin, message: "unknown variable; \(Self.hint(for: name))"))
      }
    }
  }

  /// What was probably meant. Compared without the prefix, which all share and which would make all names alike.
  private static func hint(for name: String) -> String {
    let prefix = SettingDefinition.environmentPrefix
    let property = KafkaProperty.environmentPrefix.dropLast()
    if name.hasPrefix(property), name.utf8.count > property.utf8.count {
      return "a property of librdkafka is set with two underscores: "
        + KafkaProperty.environmentPrefix + name.dropFirst(property.count)
    }
    let known = (keysByVariable.keys.sorted() + [configVariable]).map { String($0.dropFirst(prefix.count)) }
    return Spelling.nearest(to: String(name.dropFirst(prefix.count)), in: known)
      .map { "the nearest known one is \(prefix)\($0)" } ?? "'strandline config reference' lists all"
  }

  private static let keysByVariable: [String: String] = Dictionary(
    ConfigurationFile.knownKeys.filter { $0 != ConfigurationFile.kafkaKey && !EmissionSection.keys.contains($0) }
      .map { (SettingDefinition.environmentName(of: $0), $0) }, uniquingKeysWith: { first, _ in first })

  /// Kubernetes gives every pod variables named after the services of its namespace. A service called `strandline` (or
  /// `strandline-feed`) would otherwise keep Strandline from starting.
  /// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
  static func isServiceLink(_ name: String, _ text: String) -> Bool {
    if name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
      return true
    }
    if name.hasSuffix("_PORT") { return text.contains("://") }
    return name.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
  }
}
