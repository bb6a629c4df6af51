import ActionEmitter
import ActionIngest
import ActionStore
import AuditActions
import FeedServer
import Kafka
import Logging
import ServiceLifecycle

/// Store, ingest and feed in one process, wired together.
struct FeedNode: Sendable {
  let store: ActionStore
  let emitter: ActionEmitter
  let ingest: ActionIngest
  let probe: CompletenessProbe
  let server: FeedServer

  /// Opens the store and makes everything else; nothing runs yet.
  /// - Parameter registry: what `/metrics` shows; the other modules write to what swift-metrics was bootstrapped with.
  /// - Throws: `CommandFailure` with what to do.
  init(_ configuration: NodeConfiguration, registry: PrometheusRegistry, logger: Logger) async throws {
    do throws(StoreError) {
      store = try await runOnOwnThread(name: "store-open") { () throws(StoreError) in
        try ActionStore(configuration: configuration.store, logger: logger.named("store"))
      }
    } catch {
      throw CommandFailure(.input, error.detail + (error.systemError == nil ? "" : " (\(error))"))
    }
    do throws(EmitError) {
      emitter = try ActionEmitter(configuration: configuration.emitter, logger: logger.named("emitter"))
    } catch {
      try? store.close()
      throw CommandFailure(.configuration, error.description)
    }
    ingest = ActionIngest(configuration: configuration.ingest, store: store, logger: logger.named("ingest"))
    probe = CompletenessProbe(
      configuration: configuration,
      progress: .init(
        partitions: { [ingest] in ingest.status.partitions }, nextOffset: { [store] in store.nextOffset(of: $0) },
        nowMilliseconds: { [store] in store.nowMilliseconds() }), logger: logger.named("completeness"))
    server = FeedServer(
      configuration: configuration.feed, store: store, publisher: Self.publisher(emitter),
      readiness: NodeReadiness(status: { [ingest] in ingest.status }, currency: { [probe] in probe.currency() }),
      registry: registry, currency: { [probe] in probe.currency() }, logger: logger.named("feed"))
  }

  /// In the order they start; they end in reverse: first the requests, then what they may still need.
  var services: [any Service] {
    [
      Ending { [store] in
        try await runOnOwnThread(name: "store-close") { () throws(StoreError) in try store.close() }
      },
      Ending { [emitter] in _ = await emitter.close(flushTimeout: .seconds(5)) },
      ingest, probe, server,
    ]
  }

  private static func publisher(_ emitter: ActionEmitter) -> ActionPublisher {
    ActionPublisher { actions, queue in
      let raw = actions.map { RawAction(body: $0.body, timeToLive: $0.timeToLive) }
      return await emitter.emitAcknowledged(raw: raw, to: queue).map { outcome in
        outcome
          .map { ActionPosition(partition: $0.partition, offset: $0.offset) }
          .mapError { PublishFailure(detail: $0.description, mayHaveBeenWritten: $0.mayHaveBeenWritten) }
      }
    }
  }
}

/// Something that has to be closed when the services after it have ended.
struct Ending: Service {
  let close: @Sendable () async throws -> Void

  func run() async throws {
    // Cancelled or shut down gracefully: either way it is closed.
    try? await gracefulShutdown()
    try await close()
  }
}

extension Logger {
  /// The same logger with another name.
  func named(_ part: String) -> Logger {
    Logger(
      label: "strandline.\(part)",
      factory: { _ in
        guard var handler = self.handler as? LineLogHandler else { return self.handler }
        handler.label = "strandline.\(part)"
        return handler
      })
  }
}
