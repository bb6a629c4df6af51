/// A request's target in origin form, cut at its marks: path segments and query, still percent-encoded.
struct RequestTarget {
  /// Path and query as they came, without a fragment.
  let text: String
  let path: Substring
  let query: Substring?

  /// - Throws: a 400 for a target that does not begin with a slash or holds bytes no URI has.
  init(_ target: String) throws(Problem) {
    var question: String.Index?
    var end = target.endIndex
    var index = target.utf8.startIndex
    while index < target.utf8.endIndex {
      let byte = target.utf8[index]
      guard byte > 0x20, byte < 0x7F else { throw .invalidTarget }
      if byte == 0x3F, question == nil { question = index }
      if byte == 0x23 {
        end = index
        break
      }
      index = target.utf8.index(after: index)
    }
    guard target.utf8.first == 0x2F else { throw .invalidTarget }
    text = end == target.endIndex ? target : String(target[..<end])
    if let question {
      path = target[..<question]
      query = target[target.utf8.index(after: question)..<end]
    } else {
      path = target[..<end]
      query = nil
    }
  }
}

/// A target's path matched to a route, its names percent-decoded but not yet checked.
struct RouteMatch {
  let route: FeedRoute
  /// Nil for the alias form: the project is in `X-Project-ID`.
  var project: String?
  var queue: String?
  var id: String?
  var source: String?
  var log: String?

  init(_ route: FeedRoute, project: String? = nil, queue: String? = nil, id: String? = nil) {
    self.route = route
    self.project = project
    self.queue = queue
    self.id = id
  }

  /// - Returns: nil when there is no such route. One slash at the end is let pass: the seed's template has it.
  /// - Throws: a 400 for a broken percent-encoding.
  init?(path: Substring) throws(Problem) {
    var segments = path.dropFirst().split(separator: "/", maxSplits: 8, omittingEmptySubsequences: false)
    if segments.count > 1, segments.last == "" { segments.removeLast() }
    guard segments.first == "v1" else {
      if segments.count == 2, segments[0] == "auditlog" {
        guard let route = FeedRoute(rawValue: "/auditlog/\(segments[1])") else { return nil }
        self.init(route)
        return
      }
      guard segments.count == 1, let route = Self.operational(segments[0]) else { return nil }
      self.init(route)
      return
    }
    // The full form comes first: in the alias form a last segment `actions` after a queue named `queues` would be an
    // action's id, which is never that short.
    if segments.count >= 3, segments[2] == "queues", let match = try Self.full(segments) {
      self = match
      return
    }
    if let match = try Self.sources(segments) {
      self = match
      return
    }
    guard segments.count >= 2, segments[1] == "queues", let match = try Self.aliased(segments) else { return nil }
    self = match
  }

  private static func operational(_ name: Substring) -> FeedRoute? {
    switch name {
    case "ping": .ping
    case "livez": .liveness
    case "readyz": .readiness
    case "metrics": .metrics
    case "counters": .counters
    case "openapi.yaml": .openAPI
    default: nil
    }
  }

  private static func full(_ segments: [Substring]) throws(Problem) -> RouteMatch? {
    switch segments.count {
    case 3:
      return RouteMatch(.queues, project: try decode(segments[1]))
    // `/v1/queues/queues/actions` is the alias form, of a queue named `queues`.
    case 4 where segments[1] != "queues" || !["actions", "stats"].contains(segments[3]):
      return RouteMatch(.queue, project: try decode(segments[1]), queue: try decode(segments[3]))
    case 5 where segments[4] == "actions":
      return RouteMatch(.actions, project: try decode(segments[1]), queue: try decode(segments[3]))
    case 5 where segments[4] == "stats":
      return RouteMatch(.statistics, project: try decode(segments[1]), queue: try decode(segments[3]))
    case 6 where segments[4] == "actions":
      return RouteMatch(
        .action, project: try decode(segments[1]), queue: try decode(segments[3]), id: try decode(segments[5]))
    default:
      return nil
    }
  }

  private static func sources(_ segments: [Substring]) throws(Problem) -> RouteMatch? {
    guard segments.count == 3 || segments.count == 6 || segments.count == 7, segments[2] == "sources" else {
      return nil
    }
    guard segments.count > 3 else { return RouteMatch(.sources, project: try decode(segments[1])) }
    guard segments[4] == "logs" else { return nil }
    let route: FeedRoute
    switch segments.dropFirst(6).first {
    case nil: route = .sourceLog
    case "actions": route = .sourceActions
    case "lowest": route = .sourceLowest
    default: return nil
    }
    var match = RouteMatch(route, project: try decode(segments[1]))
    match.source = try decode(segments[3])
    match.log = try decode(segments[5])
    return match
  }

  private static func aliased(_ segments: [Substring]) throws(Problem) -> RouteMatch? {
    switch segments.count {
    case 2:
      return RouteMatch(.queues)
    case 3:
      return RouteMatch(.queue, queue: try decode(segments[2]))
    case 4 where segments[3] == "actions":
      return RouteMatch(.actions, queue: try decode(segments[2]))
    case 4 where segments[3] == "stats":
      return RouteMatch(.statistics, queue: try decode(segments[2]))
    case 5 where segments[3] == "actions":
      return RouteMatch(.action, queue: try decode(segments[2]), id: try decode(segments[4]))
    default:
      return nil
    }
  }

  private static func decode(_ segment: Substring) throws(Problem) -> String {
    guard let text = PercentCoding.decode(segment) else { throw .invalidPercentCoding }
    return text
  }
}
