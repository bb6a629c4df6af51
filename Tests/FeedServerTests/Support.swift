import ActionStore
import AuditActions
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import FeedServer

/// A clock moved by hand.
final class ManualClock: WallClock {
  private let time: Atomic<Int64>
  /// By how much the wall clock is ahead of the steady one.
  private let ahead = Atomic<Int64>(0)
  init(_ start: Int64 = 1_700_000_000_000) { time = Atomic(start) }
  func nowMilliseconds() -> Int64 { time.load(ordering: .relaxed) + ahead.load(ordering: .relaxed) }
  func steadyMilliseconds() -> Int64 { time.load(ordering: .relaxed) }
  func advance(seconds: Int64) { time.add(seconds * 1_000, ordering: .relaxed) }
  /// Somebody sets the wall clock, or it is read a moment later than the steady one.
  func step(milliseconds: Int64) { ahead.add(milliseconds, ordering: .relaxed) }
}

/// A fresh directory, removed when the last reference goes.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Readiness that a test sets.
final class SetReadiness: ReadinessSource {
  private let current = Mutex([ReadinessCheck(name: "store", isReady: true)])
  func checks() -> [ReadinessCheck] { current.withLock { $0 } }
  func set(_ checks: [ReadinessCheck]) { current.withLock { $0 = checks } }
}

/// A feed over a real store, with what a test may want to turn.
struct Feed {
  let directory: TemporaryDirectory
  let clock = ManualClock()
  let store: ActionStore
  let registry = PrometheusRegistry()
  let readiness = SetReadiness()
  let server: FeedServer
  private let publisher: ActionPublisher?
  private let audit: AuditedQueues?
  private let nextOffset = OffsetCounter()

  init(
    management: Bool = false, publisher: ActionPublisher? = nil, currency: (@Sendable () -> FeedCurrency)? = nil,
    pageScanMax: Int? = nil, limits: ConnectionLimits = ConnectionLimits(), answersPagesDirectly: Bool = true,
    archive: ArchiveLink? = nil, aceQueue: QueueAddress? = nil, audit: AuditedQueues? = nil
  ) throws {
    directory = try TemporaryDirectory()
    self.publisher = publisher
    self.audit = audit
    var configuration = StoreConfiguration(directory: directory.path, topic: "audit.actions")
    configuration.sealingKey = Array(0..<32)
    if let pageScanMax { configuration.pageScanMax = pageScanMax }
    store = try ActionStore(configuration: configuration, clock: clock, logger: Self.logger)
    let loopback = ListenAddress(host: "127.0.0.1", port: 0)
    var serving = FeedServerConfiguration(listen: loopback, management: management ? loopback : nil)
    serving.limits = limits
    serving.archive = archive
    serving.aceQueue = aceQueue
    serving.answersPagesDirectly = answersPagesDirectly
    server = FeedServer(
      configuration: serving, store: store, publisher: publisher, readiness: readiness, registry: registry,
      currency: currency, audit: audit, logger: Self.logger)
  }

  static let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }()

  /// Stores actions, as ingest would, and returns their bodies.
  @discardableResult
  func append(
    _ count: Int = 1, queue: String = "p/q", event: String = "ClaimExpired", ttl: Int32 = 300, body: String? = nil
  ) throws -> [String] {
    let bodies = (0..<count).map { _ in
      let offset = nextOffset.peek
      return (offset: nextOffset.next(), text: body ?? #"{"event":"\#(event)", "details":{"n":\#(offset),"é":1.50}}"#)
    }
    _ = try store.append { batch in
      for body in bodies {
        let key = Array(queue.utf8)
        let bytes = Array(body.text.utf8)
        key.withUnsafeBytes { key in
          _ = bytes.withUnsafeBytes { bytes in
            batch.add(
              partition: 0, offset: body.offset, key: key, timestampMilliseconds: clock.nowMilliseconds(),
              timeToLiveSeconds: ttl, eventHash: eventHash(event), body: bytes)
          }
        }
      }
    }
    return bodies.map(\.text)
  }

  func test<Value>(
    _ setup: TestingSetup = .router, routes: FeedRoutes = .all,
    _ body: @Sendable (any TestClientProtocol) async throws -> Value
  ) async throws -> Value {
    try await server.application(routes, at: ListenAddress(host: "127.0.0.1", port: 0)).test(setup, body)
  }
}

/// The ways an answer to a plain request for a page can go.
enum PageWay {
  /// Before llhttp; behind it, on the event loop; through Hummingbird.
  case short, door, router
}

extension Feed {
  /// The same store served one way only.
  func sibling(_ way: PageWay, currency: FeedCurrency? = nil) -> FeedServer {
    var configuration = server.configuration
    configuration.takesShortWay = way == .short
    configuration.answersPagesDirectly = way != .router
    var source: (@Sendable () -> FeedCurrency)?
    if let currency { source = { currency } }
    return FeedServer(
      configuration: configuration, store: store, publisher: publisher, readiness: readiness, registry: registry,
      currency: source, audit: audit, logger: Self.logger)
  }

  /// Another feed with the same limits: a server runs once.
  func fresh() throws -> Feed { try Feed(limits: server.configuration.limits) }

  /// The same store served another way.
  func sibling(answersPagesDirectly: Bool, publisher: ActionPublisher? = nil) -> FeedServer {
    var configuration = server.configuration
    configuration.answersPagesDirectly = answersPagesDirectly
    return FeedServer(
      configuration: configuration, store: store, publisher: publisher, readiness: readiness, registry: registry,
      audit: audit, logger: Self.logger)
  }
}

/// A server that runs as `serve` runs it, while `body` does.
func serving<Value: Sendable>(
  _ server: FeedServer,
  _ body: @escaping @Sendable (_ port: Int, _ managementPort: Int?, _ group: ServiceGroup) async throws -> Value
) async throws -> Value {
  let group = ServiceGroup(configuration: .init(services: [server], logger: Feed.logger))
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    guard let ports = await server.listening() else { throw RawConnection.Failure(text: "not listening") }
    do {
      let value = try await body(ports.feed, ports.management, group)
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return value
    } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
  }
}

private final class OffsetCounter: Sendable {
  private let value = Atomic<Int64>(0)
  var peek: Int64 { value.load(ordering: .relaxed) }
  func next() -> Int64 { value.add(1, ordering: .relaxed).oldValue }
}

extension TestClientProtocol {
  func send(
    _ method: HTTPRequest.Method, _ uri: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> TestResponse {
    var fields = HTTPFields()
    for (name, value) in headers {
      if let name = HTTPField.Name(name) { fields[name] = value }
    }
    return try await execute(
      uri: uri, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) }, testCallback: { $0 })
  }

  func get(_ uri: String, _ headers: [String: String] = [:]) async throws -> TestResponse {
    try await send(.get, uri, headers)
  }

  func post(_ uri: String, _ body: String, type: String? = "application/json") async throws -> TestResponse {
    try await send(.post, uri, type.map { ["Content-Type": $0] } ?? [:], body: body)
  }
}

extension TestResponse {
  var text: String { String(buffer: body) }

  func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

  var object: [String: Any] {
    get throws { try JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any] ?? [:] }
  }

  var messages: [[String: Any]] { get throws { try object["messages"] as? [[String: Any]] ?? [] } }

  var next: String {
    get throws {
      let links = try object["links"] as? [[String: Any]]
      guard let link = links?.first, link["rel"] as? String == "next", let href = link["href"] as? String else {
        throw MissingLink()
      }
      return href
    }
  }
}

struct MissingLink: Error {}
