import ActionEmitter
import ActionIngest
import ActionProof
import ActionStore
import AuditActions
import FeedServer
import Foundation
import Kafka
import Logging
import QueueMetadata
import ServiceLifecycle

/// Store, ingest and feed in one process, wired together.
struct FeedNode: Sendable {
  let store: ActionStore
  let queues: AuditedQueues
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
      throw CommandFailure(.input, Self.describe(error, directory: configuration.store.directory))
    }
    do throws(EmitError) {
      emitter = try ActionEmitter(configuration: configuration.emitter, logger: logger.named("emitter"))
    } catch {
      try? store.close()
      throw CommandFailure(.configuration, error.description)
    }
    do throws(KafkaError) {
      let reader = try QueueMetadataReader(
        configuration: configuration.queueMetadata, logger: logger.named("queues"))
      queues = AuditedQueues(
        reader: reader, writer: try QueueMetadataWriter(reader: reader, logger: logger.named("queues")))
    } catch {
      _ = await emitter.close(flushTimeout: .zero)
      try? store.close()
      throw CommandFailure(.configuration, error.description)
    }
    var ingesting = configuration.ingest
    ingesting.policies = { [queues] in queues.reader.policies }
    ingest = ActionIngest(configuration: ingesting, store: store, logger: logger.named("ingest"))
    probe = CompletenessProbe(
      configuration: configuration,
      progress: .init(
        partitions: { [ingest] in ingest.status.partitions },
        uncomparedPartitions: { [ingest] in ingest.status.uncomparedPartitions },
        nextOffset: { [store] in store.nextOffset(of: $0) },
        nowMilliseconds: { [store] in store.nowMilliseconds() },
        wallMilliseconds: { [store] in store.wallMilliseconds(at: $0) }), logger: logger.named("completeness"))
    server = FeedServer(
      configuration: configuration.feed, store: store, publisher: Self.publisher(emitter, configuration.proof),
      readiness: NodeReadiness(
        status: { [ingest] in ingest.status }, queues: { [queues] in queues.reader.status },
        currency: { [probe] in probe.currency() }),
      registry: registry, currency: { [probe] in probe.currency() }, audit: queues, logger: logger.named("feed"))
  }

  /// In the order they start; they end in reverse: first the requests, then what they may still need.
  var services: [any Service] {
    [StoreVerification(store: store), QueueMetadataService(reader: queues.reader), ingest, probe, server]
  }

  /// What is closed after them, in this order.
  /// - Parameter flushTimeout: how long records on their way to Kafka are waited for
  func endings(flushTimeout: Duration) -> [Ending] {
    [
      Ending { [queues] in
        await queues.writer.close()
        await queues.reader.close()
      },
      Ending { [emitter] in _ = await emitter.close(flushTimeout: flushTimeout) },
      Ending { [store] in
        try await runOnOwnThread(name: "store-close") { () throws(StoreError) in try store.close() }
      },
    ]
  }

  /// What the system said of the directory, once; the store's own account of it is for developers.
  static func describe(_ error: StoreError, directory: String) -> String {
    guard let number = error.systemError else { return error.detail }
    return "the data directory \(directory) cannot be used: \(String(cString: strerror(number))). "
      + "Mend its rights, make room, or name another with --data"
  }

  private static func publisher(_ emitter: ActionEmitter, _ proof: RecordProof) -> ActionPublisher {
    ActionPublisher { actions, queue in
      let raw = actions.map { RawAction(body: $0.body, timeToLive: $0.timeToLive) }
      return await emitter.emitAcknowledged(raw: raw, to: queue).map(outcome)
    } numbered: { posts in
      await emitter.emitAcknowledged(numbered: posts.map { NumberedRawAction($0) }).map(outcome)
    } proofFault: { post in
      NumberedRawAction(post).fault(under: proof)
    }
  }

  private static func outcome(_ emitted: Result<EmittedPosition, EmitError>) -> ActionPublisher.Outcome {
    emitted
      .map { ActionPosition(partition: $0.partition, offset: $0.offset) }
      .mapError { PublishFailure(detail: $0.description, mayHaveBeenWritten: $0.mayHaveBeenWritten) }
  }
}

extension NumberedRawAction {
  fileprivate init(_ post: NumberedPost) {
    self.init(
      action: RawAction(body: post.body, timeToLive: post.timeToLive), queue: post.queue, origin: post.origin,
      time: post.time, seal: post.seal)
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
