import ActionStore
import AuditActions

/// What a reader asks of `GET …/actions`: where to go on, how many, and which events.
struct PageRequest {
  /// Most `event=` filters of one request; an action passes when it has one of them.
  static let eventFiltersMax = 10
  static let knownParameters = ["marker", "limit", "event", "ids"]
  /// What Zaqar's clients send with message listings. Actions have no echo and no claims, so these change nothing.
  static let toleratedParameters = ["echo", "include_claimed", "include_delayed"]

  let queue: QueueReference
  let marker: Marker?
  let limit: Int
  let events: [String]
  /// A gap is an error (`Prefer: handling=strict`, RFC 7240).
  let isStrict: Bool

  /// - Throws: a 400 naming the parameter and what it may be.
  init(queue: QueueAddress, query: QueryItems, isStrict: Bool, sealer: TokenSealer) throws(Problem) {
    self.queue = QueueReference(queue)
    self.isStrict = isStrict
    limit = try PageLimit.parse(try query.single("limit"))
    marker = try Self.marker(try query.single("marker"), queue: queue, sealer: sealer)
    events = try Self.events(query.all("event"))
  }

  /// The path and query that continue behind `marker`: path-only and in the full form, however this page was asked
  /// for, so that it can be followed without knowing a header.
  func nextHref(_ marker: Marker, sealer: TokenSealer) -> String {
    NextLink(queue: queue, marker: marker, limit: limit, sealer: sealer).text
      + events.map { "&event=\(PercentCoding.encode($0))" }.joined()
  }

  private static func marker(
    _ text: String?, queue: QueueAddress, sealer: TokenSealer
  ) throws(Problem) -> Marker? {
    guard let text else { return nil }
    guard !text.isEmpty else {
      // A script whose variable is empty would read the head of the queue for ever.
      throw .invalidParameter("the marker is empty; leave it out to read from the head", parameter: "marker")
    }
    do {
      return try sealer.openMarker(text, queue: queue)
    } catch {
      throw Problem(error, parameter: "marker")
    }
  }

  private static func events(_ events: [String]) throws(Problem) -> [String] {
    guard !events.isEmpty else { return [] }
    guard events.count <= eventFiltersMax else {
      throw .invalidParameter(
        "event may be given at most \(eventFiltersMax) times", parameter: "event",
        allowed: .range(minimum: 0, maximum: eventFiltersMax))
    }
    for event in events {
      guard event.utf8.count >= 1, event.utf8.count <= ActionLimits.eventBytesMax,
        event.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
      else {
        throw .invalidParameter(
          "event has 1 to \(ActionLimits.eventBytesMax) bytes of UTF-8 and no control characters", parameter: "event",
          allowed: .range(minimum: 1, maximum: ActionLimits.eventBytesMax))
      }
    }
    return events
  }
}

/// `limit`, the same for every paged route.
enum PageLimit {
  /// - Throws: a 400 unless it is empty, absent, or a whole number from 1 to 50.
  static func parse(_ text: String?) throws(Problem) -> Int {
    guard let text, !text.isEmpty else { return ActionLimits.pageActionsDefault }
    guard text.utf8.count <= 9, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let limit = Int(text), limit >= 1,
      limit <= ActionLimits.pageActionsMax
    else {
      throw .invalidParameter(
        "limit is a whole number from 1 to \(ActionLimits.pageActionsMax)", parameter: "limit",
        allowed: .range(minimum: 1, maximum: ActionLimits.pageActionsMax))
    }
    return limit
  }
}
