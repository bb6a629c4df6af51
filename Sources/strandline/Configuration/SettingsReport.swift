import AuditActions

/// What `config print` and `config reference` show.
enum SettingsReport {
  static let mask = "********"

  struct Line: Equatable {
    let key: String
    /// nil where there is no value; masked where it is a secret.
    let value: String?
    let origin: String
    let isSecret: Bool
  }

  static func lines(_ settings: Settings) -> [Line] {
    let table = SettingsTable.all.map { definition in
      let resolved = settings.resolved[definition.key]
      return Line(
        key: definition.key, value: resolved.map { definition.isSecret ? mask : $0.text },
        origin: resolved.map { "\($0.origin)" } ?? "not set", isSecret: definition.isSecret)
    }
    let properties = settings.kafkaProperties.map { property in
      Line(
        key: "kafka.\(property.name)", value: property.isSecret ? mask : property.value, origin: "\(property.origin)",
        isSecret: property.isSecret)
    }
    return table + properties + emission(settings.emission)
  }

  /// Each as it would stand in the file, in one line.
  private static func emission(_ emission: EmissionSettings) -> [Line] {
    let events = emission.own.map { own in
      Line(
        key: "events.\(own.definition.type)", value: own.schema.map { "{details: \($0)}" } ?? "{}",
        origin: "\(own.origin)", isSecret: false)
    }
    let channels = emission.channels.channels.map { channel in
      let names = channel.events.map { quoted($0.rawValue) }.sorted().joined(separator: ", ")
      return Line(
        key: "channels.\(channel.name)", value: "{enabled: \(channel.isEnabled), events: [\(names)]}",
        origin: emission.channelOrigins[channel.name].map { "\($0)" } ?? "not set", isSecret: false)
    }
    return events + channels
  }

  /// YAML with the origins as comments: without the masked lines it can serve as a configuration file.
  static func yaml(_ settings: Settings) -> String {
    let all = lines(settings)
    var rows = all.filter { SettingsTable.byKey[$0.key] != nil }.map { row($0.key, $0) }
    for section in [ConfigurationFile.kafkaKey] + EmissionSection.keys {
      let lines = all.filter { $0.key.hasPrefix(section + ".") && SettingsTable.byKey[$0.key] == nil }
      if !lines.isEmpty { rows.append(section + ":") }
      rows += lines.map { line in
        let name = String(line.key.dropFirst(section.count + 1))
        return section == ConfigurationFile.kafkaKey
          ? row("  " + name, line) : row("  " + quoted(name), line, isYAML: true)
      }
    }
    return rows.joined(separator: "\n")
  }

  private static func row(_ key: String, _ line: Line, isYAML: Bool = false) -> String {
    let text = line.value.map { "\(key): \(isYAML ? $0 : quoted($0))" } ?? "# \(key):"
    return text + String(repeating: " ", count: max(1, 44 - text.count)) + "# \(line.origin)"
  }

  /// Plain where YAML reads it back unchanged, else in single quotes.
  static func quoted(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: "/"), UInt8(ascii: ":"):
        true
      default: false
      }
    }
    let isPlain = plain && !text.isEmpty && !text.hasPrefix("-") && !text.hasSuffix(":") && !text.hasPrefix(":")
    return isPlain ? text : "'" + text.replacing("'", with: "''") + "'"
  }

  /// The README's table of settings.
  static func markdown() -> String {
    SettingDefinition.Section.allCases.map { section in
      let rows = SettingsTable.all.filter { $0.section == section }.map { definition in
        let more = definition.fileKey.map { " Also from the file named by `\($0)`." } ?? ""
        let accepted = definition.range.map { " (\($0))" } ?? ""
        let secret = definition.isSecret ? " Secret." : ""
        return "| `\(definition.key)` | `\(definition.environmentName)` | "
          + "\(definition.defaultText.map { "`\($0)`" } ?? "–") | \(definition.summary)\(accepted).\(more)\(secret) |"
      }
      return
        "**\(section.rawValue)**\n\n| key, flag `--key` | environment | default | meaning |\n| --- | --- | --- | --- |\n"
        + rows.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }
}
