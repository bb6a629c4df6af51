import AuditActions

/// What the configuration file says of event types and channels: its sections `events` and `channels`.
struct EmissionSettings: Sendable, Equatable {
  /// A user's event type as it was written.
  struct OwnEvent: Sendable, Equatable {
    let definition: EventDefinition
    /// The schema of its details, JSON.
    let schema: String?
    let origin: SettingOrigin
  }

  var own: [OwnEvent] = []
  var catalogue = EventCatalogue.builtIn
  var channels = ChannelSet.none
  /// Where each channel was written, by its name.
  var channelOrigins: [String: SettingOrigin] = [:]
}
