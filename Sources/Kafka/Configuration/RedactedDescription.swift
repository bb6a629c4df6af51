extension KafkaConfiguration {
  static let redacted = "[redacted]"

  /// Whether a property's value is kept out of descriptions, logs and errors.
  ///
  /// These are the properties that librdkafka marks as sensitive, and whatever else has a telling name.
  public static func isSecret(_ property: String) -> Bool {
    switch property {
    case "ssl.key.location", "ssl.key.pem", "ssl.ca.pem", "ssl_key", "sasl.username", "sasl.oauthbearer.config":
      true
    default:
      property.contains("password") || property.contains("secret") || property.contains("token.endpoint")
    }
  }

  /// All properties, sorted by name, secrets redacted: what a command may print.
  public var redactedProperties: [(name: String, value: String)] {
    var all = properties
    all["bootstrap.servers"] = bootstrapServers
    return all.sorted { $0.key < $1.key }.map {
      (name: $0.key, value: Self.isSecret($0.key) ? Self.redacted : $0.value)
    }
  }
}

extension KafkaConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `name=value` pairs, sorted, secrets redacted.
  public var description: String {
    redactedProperties.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
  }

  public var debugDescription: String { description }

  /// Keeps secrets out of `dump` and of test failures, which look at the stored properties.
  public var customMirror: Mirror {
    Mirror(self, children: redactedProperties.map { (label: $0.name, value: $0.value as Any) }, displayStyle: .struct)
  }
}
