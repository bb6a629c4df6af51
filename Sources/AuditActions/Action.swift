/// One audit action, as a worker describes it.
public struct Action: Sendable, Hashable {
  /// What happened; the body's `event`.
  public var type: ActionType
  /// What it happened to; the body's `details`, byte for byte (see ``ActionRecord/encode(_:)`` for the one addition).
  public var details: JSONText
  /// Who did it; the body's `user`.
  public var user: Actor
  /// One line for people; the body's `message`.
  public var message: String?
  /// The version of the product that acted; the body's `version`.
  public var version: String?
  /// Where it belongs in a hierarchy of topics; the body's `topic`.
  public var topic: TopicPath?
  /// When it happened; the body's `time` and the header `ce_time`.
  public var time: ActionTime
  /// Which client asked for it (Zaqar's `Client-ID`); `details.client_id`.
  public var clientID: String?
  /// The client's software; `details.user_agent`.
  public var userAgent: String?
  /// How long the feed keeps it; nil: as long as the node is configured to, 300 s by default.
  public var timeToLive: TimeToLive?

  public init(
    type: ActionType, details: JSONText = .empty, user: Actor = .system, message: String? = nil,
    version: String? = nil, topic: TopicPath? = nil, time: ActionTime = .now, clientID: String? = nil,
    userAgent: String? = nil, timeToLive: TimeToLive? = nil
  ) {
    self.type = type
    self.details = details
    self.user = user
    self.message = message
    self.version = version
    self.topic = topic
    self.time = time
    self.clientID = clientID
    self.userAgent = userAgent
    self.timeToLive = timeToLive
  }
}
