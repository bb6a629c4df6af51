/// What a series is called: a metric's name and its labels, both made to fit Prometheus.
struct MetricIdentity: Hashable, Sendable {
  let name: String
  /// `{route="/ping",code="204"}` without the braces, sorted by name; empty without labels.
  let labels: String

  init(name: String, dimensions: [(String, String)]) {
    self.name = Self.metricName(name)
    var pairs: [(name: String, value: String)] = []
    for (name, value) in dimensions {
      let name = Self.labelName(name)
      // A name twice in one series would make the whole page unreadable for Prometheus: the last one counts.
      pairs.removeAll { $0.name == name }
      pairs.append((name, value))
    }
    labels = pairs.sorted { $0.name < $1.name }
      .map { "\($0.name)=\"\(Self.escape($0.value))\"" }.joined(separator: ",")
  }

  /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; anything else becomes an underscore.
  static func metricName(_ name: String) -> String { fit(name, colons: true) }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`, and not beginning with two underscores, which are Prometheus's own.
  static func labelName(_ name: String) -> String {
    let name = fit(name, colons: false)
    return name.hasPrefix("__") ? "label" + name : name
  }

  private static func fit(_ name: String, colons: Bool) -> String {
    var bytes = name.utf8.map { byte -> UInt8 in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: byte
      case 0x3A where colons: byte
      default: 0x5F
      }
    }
    if bytes.first.map({ $0 >= 0x30 && $0 <= 0x39 }) ?? true { bytes.insert(0x5F, at: 0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A label's value inside its quotes: `\`, `"` and line feed are escaped, nothing else.
  static func escape(_ value: String) -> String { escape(value, quotes: true) }

  /// A HELP text: `\` and line feed are escaped.
  static func escapeHelp(_ text: String) -> String { escape(text, quotes: false) }

  private static func escape(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return text }
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
