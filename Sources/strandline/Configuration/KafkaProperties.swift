/// A librdkafka property passed through as it is; librdkafka itself judges its name and value.
struct KafkaProperty: Sendable, Equatable {
  let name: String
  let value: String
  let origin: SettingOrigin

  var isSecret: Bool { Self.isSecret(name) }

  /// Properties whose value must never be printed.
  static func isSecret(_ name: String) -> Bool {
    name.contains("password") || name.contains("secret") || name.hasSuffix(".key.pem") || name.contains("token")
      || name == "sasl.oauthbearer.config" || name == "sasl.jaas.config"
  }

  /// Variables that set a property begin with this: `STRANDLINE_KAFKA__SECURITY_PROTOCOL` is `security.protocol`.
  static let environmentPrefix = "STRANDLINE_KAFKA__"

  /// No property of librdkafka's configuration holds an underscore, so the way back is unambiguous.
  static func name(ofEnvironment variable: String) -> String {
    variable.dropFirst(environmentPrefix.count).lowercased().replacing("_", with: ".")
  }

  /// `key=value`, as `--kafka-property` takes it.
  static func split(_ text: String) -> (name: String, value: String)? {
    guard let equals = text.firstIndex(of: "=") else { return nil }
    let name = text[..<equals].trimmingSpaces()
    return name.isEmpty ? nil : (name, String(text[text.index(after: equals)...]))
  }

  /// What is wrong with the name, whatever the value.
  static func fault(ofName name: String) -> String? {
    switch name {
    case "bootstrap.servers", "metadata.broker.list": "set the brokers with bootstrap-servers, not with \(name)"
    default: nil
    }
  }
}
