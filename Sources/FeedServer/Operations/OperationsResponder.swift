import ActionStore
import AuditActions
import NIOCore
import Synchronization

/// Answers what operators and orchestrators ask.
struct OperationsResponder: Sendable {
  let readiness: any ReadinessSource
  let registry: PrometheusRegistry
  let drain: DrainState
  let store: ActionStore

  func answer(_ route: FeedRoute, query: Substring?) throws(Problem) -> FeedAnswer {
    switch route {
    case .ping: return try ping()
    case .liveness: return text("ok\n", status: 200)
    case .readiness: return readyz(isVerbose: Self.isVerbose(query))
    case .metrics: return text(registry.render(), status: 200, contentType: PrometheusRegistry.contentType)
    case .counters: return counters()
    case .openAPI: return text(OpenAPIDocument.text, status: 200, contentType: "application/yaml")
    default: throw .notFound
    }
  }

  /// Zaqar's: 204 when the node can serve, else 503.
  private func ping() throws(Problem) -> FeedAnswer {
    let failed = checks().filter { !$0.isReady }
    guard failed.isEmpty else { throw .unavailable("not ready: " + failed.map(\.name).joined(separator: ", ")) }
    var answer = FeedAnswer(status: 204)
    answer.add("Cache-Control", "no-store")
    return answer
  }

  /// Kubernetes's form: `ok`, or a line for each check when asked for, and always when one has failed.
  private func readyz(isVerbose: Bool) -> FeedAnswer {
    let checks = checks()
    let isReady = checks.allSatisfy(\.isReady)
    guard isVerbose || !isReady else { return text("ok\n", status: 200) }
    var lines = ""
    for check in checks {
      lines += check.isReady ? "[+]\(check.name) ok\n" : "[-]\(check.name) failed: \(Self.oneLine(check.detail))\n"
    }
    lines += isReady ? "readyz check passed\n" : "readyz check failed\n"
    return text(lines, status: isReady ? 200 : 503)
  }

  /// What became of every record read, over all queues; `unbalanced_queues` is 0 unless something is wrong.
  private func counters() -> FeedAnswer {
    let balance = store.balance()
    let dropped = DropReason.allCases.map { "\"\($0.rawValue)\":\(balance.dropped[$0] ?? 0)" }.joined(separator: ",")
    let text =
      "{\"queues\":\(balance.queues),\"received\":\(balance.received),\"live\":\(balance.live)"
      + ",\"expired_served\":\(balance.expiredServed),\"expired_unread\":\(balance.expiredUnread)"
      + ",\"over_retention\":\(balance.overRetention)"
      + ",\"rejected\":\(balance.rejected),\"duplicates\":\(balance.duplicates)"
      + ",\"dropped\":{\(dropped)}"
      + ",\"holes\":\(store.holes.count),\"unbalanced_queues\":\(balance.unbalancedQueues)}\n"
    return self.text(text, status: 200, contentType: "application/json")
  }

  private func checks() -> [ReadinessCheck] {
    let draining = drain.isDraining
    return readiness.checks() + [
      ReadinessCheck(name: "shutdown", isReady: !draining, detail: draining ? "the node is shutting down" : "")
    ]
  }

  private static func isVerbose(_ query: Substring?) -> Bool {
    query?.split(separator: "&").contains { $0 == "verbose" || $0.hasPrefix("verbose=") } ?? false
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private func text(
    _ text: String, status: Int, contentType: String = "text/plain; charset=utf-8"
  ) -> FeedAnswer {
    var answer = FeedAnswer(status: status)
    if status == 503 { answer.add("Retry-After", "1") }
    answer.setBody(ByteBuffer(string: text), contentType: contentType)
    answer.add("Cache-Control", "no-store")
    return answer
  }
}

/// Set once, when the node begins to shut down: readiness fails, what is under way is finished.
final class DrainState: Sendable {
  private let flag = Atomic(false)

  var isDraining: Bool { flag.load(ordering: .relaxed) }
  func begin() { flag.store(true, ordering: .relaxed) }
}
