package import ActionStore
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Serves the feed over HTTP: pages and items from the store, posts to the publisher, and what operators ask.
///
/// Ends gracefully: readiness fails, idle connections are closed, requests under way are answered for at most
/// ``ConnectionLimits/drainTimeout``; the management port answers until the API's port is closed.
package final class FeedServer: Service, Sendable {
  package let configuration: FeedServerConfiguration
  private let store: ActionStore
  private let publisher: ActionPublisher?
  private let readiness: any ReadinessSource
  private let registry: PrometheusRegistry
  private let currency: (@Sendable () -> FeedCurrency)?
  private let audit: AuditedQueues?
  private let metrics: HTTPMetrics
  private let drain = DrainState()
  private let logger: Logger
  private let bound = BoundPorts()

  /// - Parameters:
  ///   - publisher: where posted actions go; nil: POST is answered with 503.
  ///   - currency: how far the store can be vouched for; nil: empty pages make no statement of time.
  ///   - audit: which queues are audited; nil: all of them, and nothing can be changed about it.
  package init(
    configuration: FeedServerConfiguration, store: ActionStore, publisher: ActionPublisher?,
    readiness: any ReadinessSource, registry: PrometheusRegistry,
    currency: (@Sendable () -> FeedCurrency)? = nil, audit: AuditedQueues? = nil, logger: Logger
  ) {
    self.configuration = configuration
    self.store = store
    self.publisher = publisher
    self.readiness = readiness
    self.registry = registry
    self.currency = currency
    self.audit = audit
    self.metrics = HTTPMetrics(registry: registry)
    self.logger = logger
  }

  /// Listens until a graceful shutdown or cancellation.
  /// - Throws: ``FeedServerError`` when an address cannot be listened on.
  package func run() async throws {
    defer { bound.end() }
    var services: [any Service] = []
    // Stopped in reverse: the management port is the last to go.
    if let management = configuration.management {
      services.append(Listener(application: application(.management, at: management), address: management))
    }
    let routes: FeedRoutes = configuration.management == nil ? .all : .feed
    services.append(
      Listener(application: application(routes, at: configuration.listen), address: configuration.listen))
    var group = ServiceGroupConfiguration(services: services, logger: logger)
    // Connections have been cut off by then; what their requests still wait for is cancelled.
    group.maximumGracefulShutdownDuration = configuration.limits.drainTimeout + .seconds(1)
    let running = ServiceGroup(configuration: group)
    try await withGracefulShutdownHandler {
      try await running.run()
    } onGracefulShutdown: { [drain] in
      drain.begin()
    }
  }

  /// The ports listened on, once they are; nil when the server ended before.
  package func listening() async -> (feed: Int, management: Int?)? {
    guard let feed = await bound.port(of: .feed) else { return nil }
    guard configuration.management != nil else { return (feed, nil) }
    guard let management = await bound.port(of: .management) else { return nil }
    return (feed, management)
  }

  func core(_ routes: FeedRoutes) -> FeedCore {
    FeedCore(
      routes: routes, pages: PageResponder(store: store, archive: configuration.archive, audit: audit),
      items: ItemsResponder(store: store),
      queues: QueuesResponder(store: store, audit: audit),
      posts: PostResponder(publisher: publisher, sealer: store.sealer, audit: audit),
      exchanges: ExchangeResponder(store: store, publisher: publisher, audit: audit, metrics: metrics),
      aceQueue: configuration.aceQueue,
      metadata: MetadataResponder(queues: audit, store: store),
      operations: OperationsResponder(readiness: readiness, registry: registry, drain: drain, store: store),
      currency: currency, metrics: metrics, budget: ByteBudget(bytesMax: configuration.limits.bytesInFlightMax))
  }

  func application(_ routes: FeedRoutes, at address: ListenAddress) -> Application<FeedResponder> {
    let core = core(routes)
    let name = routes == .management ? "management" : "feed"
    let channel = FeedChannel.Settings(
      limits: configuration.limits, core: core, metrics: metrics, listener: name,
      answersPagesDirectly: configuration.answersPagesDirectly, takesShortWay: configuration.takesShortWay)
    return Application(
      responder: FeedResponder(core: core),
      server: HTTPServerBuilder { FeedChannel(responder: $0, settings: channel) },
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port), backlog: 1_024,
        availableConnectionsDelegate: MaximumAvailableConnections(configuration.limits.connectionsMax, logger: logger)),
      onServerRunning: { [bound] channel in
        bound.set(channel.localAddress?.port ?? address.port, of: routes == .management ? .management : .feed)
      },
      logger: logger)
  }
}

/// Why the server could not begin.
package struct FeedServerError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// One application, with an error that tells the address.
private struct Listener: Service {
  let application: Application<FeedResponder>
  let address: ListenAddress

  func run() async throws {
    do {
      try await application.run()
    } catch let error as IOError {
      throw FeedServerError(description: "cannot listen on \(address): \(error)")
    }
  }
}

/// The ports the system gave, for those who wait for them.
private final class BoundPorts: Sendable {
  enum Kind: Hashable { case feed, management }

  private struct State {
    var ports: [Kind: Int] = [:]
    var waiters: [(kind: Kind, continuation: CheckedContinuation<Int?, Never>)] = []
    var isEnded = false
  }

  private let state = Mutex(State())

  func set(_ port: Int, of kind: Kind) {
    let ready = state.withLock { state in
      state.ports[kind] = port
      let ready = state.waiters.filter { $0.kind == kind }
      state.waiters.removeAll { $0.kind == kind }
      return ready
    }
    for waiter in ready { waiter.continuation.resume(returning: port) }
  }

  func end() {
    let left = state.withLock { state in
      state.isEnded = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in left { waiter.continuation.resume(returning: nil) }
  }

  func port(of kind: Kind) async -> Int? {
    await withCheckedContinuation { continuation in
      let known: Int?? = state.withLock { state in
        if let port = state.ports[kind] { return .some(port) }
        if state.isEnded { return .some(nil) }
        state.waiters.append((kind, continuation))
        return nil
      }
      if let known { continuation.resume(returning: known) }
    }
  }
}
