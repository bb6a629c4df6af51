/// A named set of event types that somebody wants, and whether they are wanted now (Apache Ignite's channel).
public struct Channel: Sendable, Hashable {
  /// 1 to 64 characters out of `A-Z a-z 0-9 _ . -`.
  public var name: String
  /// Whether its events are wanted.
  public var isEnabled: Bool
  /// The event types; none: nothing.
  public var events: Set<ActionType>

  public init(_ name: String, isEnabled: Bool = true, events: Set<ActionType>) {
    self.name = name
    self.isEnabled = isEnabled
    self.events = events
  }
}

/// Which event types are wanted: those of every channel that is enabled, whichever queue they are about.
///
/// Without any channel every event is wanted; with channels that are all disabled, none is.
public struct ChannelSet: Sendable, Hashable {
  /// Most channels.
  public static let channelsMax = 1_000

  /// In the order of their names.
  public let channels: [Channel]
  /// What is wanted; nil: everything.
  public let wanted: Set<ActionType>?

  /// No channels: every event is wanted.
  public static let none = ChannelSet()

  private init() {
    channels = []
    wanted = nil
  }

  /// - Throws: `invalid_channel` for a name out of its limits or given twice; `unknown_event_type` for an event that
  ///   the catalogue does not have, with the nearest one that it has.
  public init(_ channels: [Channel], catalogue: EventCatalogue = .builtIn) throws(AuditActionError) {
    guard channels.count <= Self.channelsMax else {
      throw AuditActionError(.invalidChannel, "there are at most \(Self.channelsMax) channels", parameter: "channels")
    }
    var names: Set<String> = []
    for channel in channels {
      try Self.validateName(channel.name)
      guard names.insert(channel.name).inserted else {
        throw AuditActionError(
          .invalidChannel, "the channel '\(channel.name)' is given twice", parameter: "channels")
      }
      for event in channel.events.sorted(by: { $0.rawValue < $1.rawValue }) { try catalogue.require(event) }
    }
    self.channels = channels.sorted { $0.name < $1.name }
    wanted =
      channels.isEmpty
      ? nil
      : channels.reduce(into: []) { all, channel in
        if channel.isEnabled { all.formUnion(channel.events) }
      }
  }

  public func wants(_ event: ActionType) -> Bool { wanted?.contains(event) ?? true }

  /// - Throws: `invalid_channel`.
  public static func validateName(_ name: String) throws(AuditActionError) {
    guard NameCharacters.isName(name, charactersMax: 64) else {
      throw AuditActionError(
        .invalidChannel, "a channel's name has 1 to 64 characters out of A-Z a-z 0-9 _ . -, and is not . or ..",
        parameter: "channels")
    }
  }
}
