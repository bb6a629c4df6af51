import AuditActions
import Kafka
package import Logging
package import ObjectStores
import ServiceLifecycle
import Synchronization

/// Carries the topic into an object store for good: one thread that polls and cuts, a task a partition that stores.
///
/// The store itself says how far a partition is archived; the group's committed offset follows once objects are durable.
package final class ActionArchive: Service {
  private let configuration: ArchiveConfiguration
  private let store: any ObjectStore
  private let logger: Logger
  private let state = ArchiveState()

  package init(configuration: ArchiveConfiguration, store: any ObjectStore, logger: Logger) {
    self.configuration = configuration
    self.store = store
    self.logger = logger
  }

  package var status: ArchiveStatus { state.status.withLock { $0 } }

  /// Runs until the task is cancelled or a graceful shutdown begins; with `once` until the topic is drained.
  ///
  /// A store or a Kafka that cannot be reached is no error for a service: it waits, and `status` says so.
  /// - Throws: `ObjectStoreError`, `KafkaError` or `ArchiveError` for what cannot be mended by waiting. With `once`,
  ///   partitions that could not be drained are in `status`.
  package func run() async throws {
    guard try await prepare() else { return }
    let spool = try Spool(below: configuration.spool)
    defer { spool.remove() }
    let consumer = try KafkaConsumer(
      configuration: consumerConfiguration,
      group: ConsumerGroup(
        id: configuration.group, instanceID: configuration.kafka.properties["group.instance.id"]),
      logger: logger)
    let (configuration, store, logger, state) = (configuration, store, logger, state)
    let failure = Mutex<KafkaError?>(nil)
    let packing = PackingThreads(count: configuration.packingThreads)
    let thread = DedicatedThread(name: "archive") {
      let loop = ArchiveLoop(
        configuration: configuration, store: store, consumer: consumer, spool: spool, packing: packing, state: state,
        logger: logger)
      guard configuration.once else { return loop.serve() }
      do throws(KafkaError) { try loop.drain() } catch { failure.withLock { $0 = error } }
    }
    let retention = Task { await self.watchRetention() }
    await stoppable { await thread.join() }
    retention.cancel()
    await packing.end()
    await consumer.close()
    await retention.value
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// Ends `body` early, by telling the thread, when the task is cancelled or a shutdown begins.
  private func stoppable<Value: Sendable>(
    _ body: @Sendable () async -> Value, onStop: @escaping @Sendable () -> Void = {}
  ) async -> Value {
    let state = state
    return await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await body()
      } onGracefulShutdown: {
        state.stop()
        onStop()
      }
    } onCancel: {
      state.stop()
      onStop()
    }
  }

  /// Asks the store whether it can be used; broken off by a shutdown, for a store that does not answer is asked for long.
  private func askStore() async -> Result<Void, ObjectStoreError> {
    let store = store
    let asking = Task { () async -> Result<Void, ObjectStoreError> in
      do throws(ObjectStoreError) { return .success(try await store.prepare()) } catch { return .failure(error) }
    }
    return await stoppable({ await asking.value }, onStop: { asking.cancel() })
  }

  /// Waits until the store can be used. False when a shutdown came first.
  private func prepare() async throws -> Bool {
    let state = state
    var wait = configuration.retryMilliseconds
    let started = ContinuousClock.now
    // Ready is who has seen the store, not who has not seen it fail.
    state.update { $0.storeFailure = "\(store.location) has not answered yet" }
    while !state.isStopping {
      do throws(ObjectStoreError) {
        try await askStore().get()
        state.update { $0.storeFailure = nil }
        return true
      } catch {
        if state.isStopping { break }
        let isHopeless = [.invalidConfiguration, .notSupported].contains(error.code)
        let isTooLate = ContinuousClock.now - started > .milliseconds(configuration.oncePatienceMilliseconds)
        if isHopeless || (configuration.once && (!error.isRetriable || isTooLate)) { throw error }
        state.update { $0.storeFailure = "\(error)" }
        logger.error("The object store cannot be used; trying again", metadata: ["error": "\(error)"])
      }
      let deadline = ContinuousClock.now + .milliseconds(wait)
      await stoppable {
        while .now < deadline, !state.isStopping { try? await Task.sleep(for: .milliseconds(50)) }
      }
      wait = min(wait * 2, configuration.retryMillisecondsMax)
    }
    return false
  }

  /// The topic's retention says when what is not archived is lost. Looked up every ten minutes; no answer, no figure.
  private func watchRetention() async {
    guard !configuration.once, let admin = try? KafkaAdmin(configuration: configuration.kafka, logger: logger) else {
      return
    }
    while !Task.isCancelled {
      if let entries = try? await admin.describeConfiguration(topic: configuration.layout.topic, timeout: .seconds(5)),
        let text = entries.first(where: { $0.name == "retention.ms" })?.value
      {
        state.update { $0.retentionMilliseconds = Int64(text).flatMap { $0 >= 0 ? $0 : nil } }
      }
      try? await Task.sleep(for: .seconds(600))
    }
    await admin.close()
  }

  private var consumerConfiguration: KafkaConfiguration {
    var kafka = configuration.kafka
    // As for ingest: librdkafka waits a second before it fetches again into a queue that was full.
    if kafka.properties["queued.max.messages.kbytes"] == nil {
      kafka.properties["queued.max.messages.kbytes"] = "65536"
    }
    kafka.properties["group.instance.id"] = nil
    return kafka
  }
}
