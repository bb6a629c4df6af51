import AuditActions
import Yams

/// Reads the sections `events` and `channels` of a configuration file:
///
/// ```yaml
/// events:
///   OrderShipped:
///     details: {type: object, required: [order], properties: {order: {type: integer}}}
///   OrderLost:
/// channels:
///   claims:
///     enabled: true
///     events: [MessagesClaimed, ClaimExpired, OrderLost]
/// ```
struct EmissionSection {
  static let keys = ["events", "channels"]

  private(set) var settings = EmissionSettings()
  private(set) var problems: [ConfigurationError.Problem] = []
  private let path: String

  init(events: Node?, channels: Node?, path: String) {
    self.path = path
    if let events { readEvents(events) }
    // Behind the events: they may name them.
    if let channels, problems.isEmpty { readChannels(channels) }
  }

  // MARK: Event types

  private mutating func readEvents(_ node: Node) {
    if isNull(node) { return }
    guard let mapping = node.mapping else {
      return report(node, "'events' takes a mapping of event types, for example {OrderShipped: {details: {...}}}")
    }
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { return report(key, "the name of an event type must be plain text") }
      guard let own = ownEvent(ActionType(name), key, value) else { continue }
      settings.own.append(own)
    }
    take(node) { (settings) throws(AuditActionError) in
      settings.catalogue = try EventCatalogue(own: settings.own.map(\.definition))
    }
  }

  private mutating func ownEvent(_ type: ActionType, _ key: Node, _ value: Node) -> EmissionSettings.OwnEvent? {
    var schema: JSONText?
    if !isNull(value) {
      guard let mapping = value.mapping else {
        report(value, "an event type takes {details: SCHEMA}, or nothing")
        return nil
      }
      for (member, value) in mapping {
        guard member.scalar?.string == "details" else {
          report(member, "unknown key '\(shown(member))' of an event type; there is 'details'")
          return nil
        }
        guard case .object(let members)? = literal(value, depth: 0) else {
          report(value, "'details' takes a JSON Schema, a mapping of at most \(Self.depthMax) levels")
          return nil
        }
        schema = JSONText(members: members)
      }
    }
    do throws(AuditActionError) {
      // Alone, so that a fault names the line of this one.
      let definition = EventDefinition(type, details: try schema.map(DetailsSchema.init))
      _ = try EventCatalogue(own: [definition])
      return .init(definition: definition, schema: schema?.description, origin: origin(of: key))
    } catch {
      report(key, error.detail)
      return nil
    }
  }

  // MARK: Channels

  private mutating func readChannels(_ node: Node) {
    if isNull(node) { return }
    guard let mapping = node.mapping else {
      return report(node, "'channels' takes a mapping of channels, for example {claims: {events: [ClaimExpired]}}")
    }
    var channels: [Channel] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { return report(key, "the name of a channel must be plain text") }
      do throws(AuditActionError) { try ChannelSet.validateName(name) } catch {
        report(key, error.detail)
        continue
      }
      channels.append(channel(name, value))
      settings.channelOrigins[name] = origin(of: key)
    }
    guard problems.isEmpty else { return }
    take(node) { (settings) throws(AuditActionError) in
      settings.channels = try ChannelSet(channels, catalogue: settings.catalogue)
    }
  }

  private mutating func channel(_ name: String, _ value: Node) -> Channel {
    var channel = Channel(name, events: [])
    if isNull(value) { return channel }
    guard let mapping = value.mapping else {
      report(value, "a channel takes {enabled: true or false, events: [EVENT, ...]}")
      return channel
    }
    for (key, value) in mapping {
      switch key.scalar?.string {
      case "enabled":
        switch value.scalar?.string {
        case "true": channel.isEnabled = true
        case "false": channel.isEnabled = false
        default: report(value, "'enabled' is true or false")
        }
      case "events": channel.events = events(value)
      default:
        let hint =
          Spelling.nearest(to: shown(key), in: ["enabled", "events"])
          .map { "the nearest known one is '\($0)'" } ?? "there are 'enabled' and 'events'"
        report(key, "unknown key '\(shown(key))' of a channel; \(hint)")
      }
    }
    return channel
  }

  private mutating func events(_ node: Node) -> Set<ActionType> {
    if isNull(node) { return [] }
    guard let sequence = node.sequence else {
      report(node, "'events' of a channel takes a list of event types")
      return []
    }
    var events: Set<ActionType> = []
    for element in sequence {
      guard let name = element.scalar?.string else {
        report(element, "'events' of a channel takes a list of event types")
        continue
      }
      do throws(AuditActionError) {
        try settings.catalogue.require(ActionType(name))
        events.insert(ActionType(name))
      } catch {
        report(element, error.detail)
      }
    }
    return events
  }

  // MARK: YAML

  /// Deepest nesting of a schema's YAML.
  private static let depthMax = 60

  /// A YAML value as JSON, by YAML's core schema; nil where it is none, or nested too deep.
  private func literal(_ node: Node, depth: Int) -> JSONLiteral? {
    guard depth < Self.depthMax else { return nil }
    if let scalar = node.scalar {
      guard scalar.style == .plain else { return .string(scalar.string) }
      switch scalar.string {
      case "", "~", "null": return .null
      case "true": return .boolean(true)
      case "false": return .boolean(false)
      default: break
      }
      if let integer = Int(scalar.string) { return .integer(integer) }
      if let number = Double(scalar.string), number.isFinite, scalar.string.contains(/[0-9]/) { return .number(number) }
      return .string(scalar.string)
    }
    if let sequence = node.sequence {
      var elements: [JSONLiteral] = []
      for element in sequence {
        guard let element = literal(element, depth: depth + 1) else { return nil }
        elements.append(element)
      }
      return .array(elements)
    }
    guard let mapping = node.mapping else { return nil }
    var members: [JSONLiteral.Member] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string, let value = literal(value, depth: depth + 1) else { return nil }
      members.append(.init(name, value))
    }
    return .object(members)
  }

  private func isNull(_ node: Node) -> Bool {
    node.scalar.map { $0.style == .plain && ["", "~", "null"].contains($0.string) } ?? false
  }

  private func shown(_ node: Node) -> String { String((node.scalar?.string ?? "?").prefix(64)) }

  private mutating func take(
    _ node: Node, _ change: (inout EmissionSettings) throws(AuditActionError) -> Void
  ) {
    do throws(AuditActionError) { try change(&settings) } catch { report(node, error.detail) }
  }

  private mutating func report(_ node: Node, _ message: String) {
    problems.append(.init(origin: origin(of: node), message: message))
  }

  private func origin(of node: Node) -> SettingOrigin { .file(path: path, line: node.mark?.line) }
}
