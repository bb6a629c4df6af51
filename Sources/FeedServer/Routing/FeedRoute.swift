/// Every route of the feed. The raw value is the template as `openapi.yaml` and the `route` label of metrics have it.
package enum FeedRoute: String, Sendable, CaseIterable {
  case actions = "/v1/{project}/queues/{queue}/actions"
  case action = "/v1/{project}/queues/{queue}/actions/{id}"
  case queues = "/v1/{project}/queues"
  case queue = "/v1/{project}/queues/{queue}"
  case statistics = "/v1/{project}/queues/{queue}/stats"
  case sources = "/v1/{project}/sources"
  case sourceLog = "/v1/{project}/sources/{source}/logs/{log}"
  case sourceActions = "/v1/{project}/sources/{source}/logs/{log}/actions"
  case sourceLowest = "/v1/{project}/sources/{source}/logs/{log}/lowest"
  case aceQuery = "/auditlog/query"
  case aceSend = "/auditlog/send"
  case aceReceive = "/auditlog/receive"
  case aceSendIDs = "/auditlog/sendids"
  case aceReceiveIDs = "/auditlog/receiveids"
  case ping = "/ping"
  case liveness = "/livez"
  case readiness = "/readyz"
  case metrics = "/metrics"
  case counters = "/counters"
  case openAPI = "/openapi.yaml"

  /// The form with the project in `X-Project-ID`, as Zaqar's clients ask.
  package var alias: String? {
    switch self {
    case .actions: "/v1/queues/{queue}/actions"
    case .action: "/v1/queues/{queue}/actions/{id}"
    case .queues: "/v1/queues"
    case .queue: "/v1/queues/{queue}"
    case .statistics: "/v1/queues/{queue}/stats"
    default: nil
    }
  }

  /// The methods the route answers; 405 with these in `Allow` for any other.
  package var methods: [String] {
    switch self {
    case .actions, .sourceActions: ["GET", "HEAD", "POST"]
    case .sourceLowest: ["GET", "HEAD", "PUT"]
    case .aceSend, .aceSendIDs: ["POST"]
    case .queue: ["GET", "HEAD", "PUT", "PATCH", "DELETE"]
    default: ["GET", "HEAD"]
    }
  }

  var allow: String { methods.joined(separator: ", ") }

  /// Whether the route tells of the process rather than of actions.
  package var isOperational: Bool {
    switch self {
    case .ping, .liveness, .readiness, .metrics, .counters, .openAPI: true
    default: false
    }
  }
}

/// Which routes a listener answers.
package enum FeedRoutes: Sendable {
  /// Everything on one port.
  case all
  /// The port of the API when another one is for operators: no `/livez`, `/readyz`, `/metrics` or `/counters`.
  case feed
  /// The port for operators: no actions.
  case management

  func contains(_ route: FeedRoute) -> Bool {
    switch self {
    case .all: true
    case .feed: !route.isOperational || route == .ping || route == .openAPI
    case .management: route.isOperational
    }
  }
}
