import ActionStore
import AuditActions
import Foundation
import Logging
import NIOCore

@testable import FeedServer

/// A feed over a real store with a few actions in it, and a clock that stands still.
final class FeedWorld {
  struct StandingClock: WallClock {
    func nowMilliseconds() -> Int64 { 1_700_000_000_000 }
    func steadyMilliseconds() -> Int64 { 0 }
  }

  struct AlwaysReady: ReadinessSource {
    func checks() -> [ReadinessCheck] { [ReadinessCheck(name: "store", isReady: true)] }
  }

  let store: ActionStore
  let server: FeedServer
  /// Well-formed targets of every route, with markers and ids that open.
  let targets: [[UInt8]]

  static let quiet: Logger = {
    var logger = Logger(label: "fuzz")
    logger.logLevel = .critical
    return logger
  }()

  init() throws {
    var configuration = StoreConfiguration(directory: Scratch.path("feed"), topic: "audit.actions")
    configuration.sealingKey = Array(0..<32)
    let store = try ActionStore(configuration: configuration, clock: StandingClock(), logger: Self.quiet)
    self.store = store
    _ = try store.append { batch in
      for offset in 0..<60 {
        let body = Samples.bodies[offset % Samples.bodies.count]
        let hash = try body.withUnsafeBytes { try ActionBody.validate($0).eventHash(in: $0) }
        Array("p/q".utf8).withUnsafeBytes { key in
          _ = body.withUnsafeBytes {
            batch.add(
              partition: 0, offset: Int64(offset), key: key, timestampMilliseconds: nil, timeToLiveSeconds: 300,
              eventHash: hash, body: $0)
          }
        }
      }
    }
    server = FeedServer(
      configuration: FeedServerConfiguration(listen: ListenAddress(host: "127.0.0.1", port: 0)), store: store,
      publisher: ActionPublisher { actions, _ in
        actions.indices.map { .success(ActionPosition(partition: 0, offset: Int64($0))) }
      }, readiness: AlwaysReady(), registry: PrometheusRegistry(),
      currency: { FeedCurrency(completeThroughMilliseconds: 1_700_000_000_000) }, logger: Self.quiet)
    let queue = try QueueAddress(project: "p", queue: "q")
    let page = store.page(of: queue, after: nil, limit: 7)
    let marker = store.sealer.seal(page.marker, queue: queue)
    let ids = page.actions.map { store.sealer.seal(id: $0.position, queue: queue) }
    targets = [
      "/v1/p/queues/q/actions", "/v1/p/queues/q/actions?limit=50", "/v1/p/queues/q/actions?marker=\(marker)&limit=3",
      "/v1/p/queues/q/actions?event=ClaimExpired&event=a%20b&limit=1",
      "/v1/p/queues/q/actions?ids=\(ids.joined(separator: ","))",
      "/v1/p/queues/q/actions/\(ids.first ?? "")", "/v1/p/queues/q/stats", "/v1/p/queues?limit=5&marker=a",
      "/v1/queues/q/actions?limit=2", "/v1/queues", "/v1/queues/q/stats", "/v1/p/queues/none/actions",
      "/ping", "/livez", "/readyz?verbose", "/metrics", "/openapi.yaml",
      "/v1/p/queues/q/actions?marker=\(marker)&event=a&echo=true&include_claimed=false",
    ].map { Array($0.utf8) }
  }

  static let queryWords = [
    "marker=", "limit=", "event=", "ids=", "&", "?", "=", "%00", "%2F", "%C3%A9", "%ff", "%", "%4", "+", "#", "/", "//",
    "/..",
    "/actions", "/stats", "/queues", "/v1/", "limit=50", "limit=0", "limit=51", "echo=true", ",", ";", " ", "\t", "é",
    "http://h/v1/p/queues/q/actions", "*", "verbose",
  ]

  /// What any answer must be like; 5xx other than a 503 that says so is always a fault.
  static func check(_ answer: FeedAnswer, _ request: String) throws {
    let input = Array(request.utf8)
    // These nodes keep no metadata of queues, and say so; a HEAD has no body to say it in.
    let saysSo = answer.status == 503 && answer.body.map { String(buffer: $0).contains("keeps no metadata") } ?? true
    guard saysSo || [200, 201, 204, 400, 404, 405, 406, 410, 413, 414, 415].contains(answer.status) else {
      throw Finding("answered \(answer.status)", input)
    }
    for (name, value) in answer.fields {
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
        throw Finding("the field \(name) holds bytes no field may: \(value.debugDescription)", input)
      }
    }
    let type = answer.fields.first { $0.name == "Content-Type" }?.value ?? ""
    if answer.status >= 400, type != "application/problem+json" { throw Finding("\(answer.status) as \(type)", input) }
    guard let body = answer.body, type.hasSuffix("json") else { return }
    let isJSON = body.withUnsafeReadableBytes {
      (try? JSONScanner($0).root(depthMax: ActionLimits.depthMax + 4)) != nil
    }
    guard isJSON else { throw Finding("the body is no JSON: \(String(buffer: body).prefix(2_000))", input) }
  }
}
