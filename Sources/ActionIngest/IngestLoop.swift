import ActionStore
import AuditActions
import Kafka
import Logging
import Synchronization

/// The loop of the ingest thread. Everything in it may block, and nothing else runs on its thread.
final class IngestLoop {
  let configuration: IngestConfiguration
  let store: ActionStore
  let consumer: KafkaConsumer
  let deadLetters: DeadLetters
  let state: IngestState
  let logger: Logger
  let judge: RecordJudge
  var faults: FaultLog
  let metrics = IngestMetrics()
  var partitions: [Int32] = []
  private var maintenance: Interval
  var partitionRefresh: Interval
  var continuity = LogContinuity()
  private var memory = MemoryRelease()
  /// Which state of the queues' bounds the store has; nil before the first.
  private var retentionChanges: UInt64?
  /// Whether the store had no room since ingest was last up to date.
  var wasFull = false

  init(
    configuration: IngestConfiguration, store: ActionStore, consumer: KafkaConsumer, deadLetters: DeadLetters,
    state: IngestState, logger: Logger
  ) {
    self.configuration = configuration
    self.store = store
    self.consumer = consumer
    self.deadLetters = deadLetters
    self.state = state
    self.logger = logger
    judge = RecordJudge(
      defaultTimeToLiveSeconds: configuration.defaultTimeToLiveSeconds, proof: configuration.proof)
    faults = FaultLog(logger: logger)
    maintenance = Interval(milliseconds: configuration.maintenanceMilliseconds)
    partitionRefresh = Interval(milliseconds: configuration.partitionRefreshMilliseconds)
  }

  var isStopping: Bool { state.isStopping }

  func run() {
    waitForPolicies()
    retain()
    while !isStopping {
      if store.isDamaged { repair() }
      if partitionRefresh.isDue { refreshPartitions() }
      turn()
      if maintenance.isDue { maintain() }
    }
    maintain()
  }

  /// Nothing is read before it is known which queues are audited: what should be kept would be dropped.
  private func waitForPolicies() {
    guard let policies = configuration.policies else { return }
    while !isStopping, policies() == nil {
      state.wait(milliseconds: Self.policiesPollMilliseconds)
      if maintenance.isDue { maintain() }
    }
  }

  private static let policiesPollMilliseconds = 10

  /// Has the store keep of each queue what its metadata says, if that has changed.
  func retain() {
    guard let policies = configuration.policies?(), policies.retentionChanges != retentionChanges else { return }
    store.retain(policies.retentions)
    retentionChanges = policies.retentionChanges
  }

  /// One poll and what it brought.
  private func turn() {
    do throws(KafkaError) {
      let batch = try consumer.poll(
        maxRecords: configuration.batchRecordsMax, timeout: .milliseconds(configuration.pollTimeoutMilliseconds))
      if !batch.isEmpty || !batch.ends.isEmpty { noteConnected() }
      let sifted = sift(batch)
      for failure in batch.failures { handle(failure) }
      store(batch, sifted)
      try goBack()
    } catch {
      noteLost(error)
      waitForRetry()
    }
  }

  /// Has what is damaged set aside, and goes back to where the store then stands.
  private func repair() {
    do throws(StoreError) {
      try store.repair()
      continuity.doubt()
      try? goBack()
      // A store that has lost everything begins where actions can still be alive.
      if store.nextOffsets.isEmpty {
        partitions = []
        partitionRefresh.expire()
      }
    } catch {
      faults.report("damage", "A damaged file cannot be set aside; trying again", metadata: ["error": "\(error)"])
      waitForRetry()
    }
  }

  // MARK: Partitions

  /// Asks for the topic's partitions and reads those it did not have, each from where the store stands.
  private func refreshPartitions() {
    do throws(KafkaError) {
      let found = try consumer.partitions(of: configuration.topic, timeout: .seconds(5)).sorted()
      noteConnected()
      partitionRefresh.restart()
      guard found != partitions else { return }
      let added = found.filter { !partitions.contains($0) }
      logger.info(
        "Reading partitions",
        metadata: [
          "topic": "\(configuration.topic)", "partitions": "\(found.count)",
          "added": "\(added.count)",
        ])
      partitions = found
      do throws(KafkaError) { try assign() } catch {
        // Found again, and assigned, with the next try.
        partitions = []
        throw error
      }
      state.update { $0.partitions = found }
    } catch {
      // Until the partitions are known the question is asked again at once; afterwards at the usual interval.
      if partitions.isEmpty { partitionRefresh.expire() } else { partitionRefresh.restart() }
      noteLost(error)
      if partitions.isEmpty { waitForRetry() }
    }
  }

  private func handle(_ failure: (partition: TopicPartition?, error: KafkaError)) {
    let isOffsetLost = [KafkaError.Code.autoOffsetReset, KafkaError.Code.offsetOutOfRange].contains(failure.error.code)
    if isOffsetLost, let partition = failure.partition {
      resumeAtEarliest(partition)
    } else {
      noteLost(failure.error)
    }
  }

  // MARK: Status

  private func noteConnected() {
    let isNews = state.status.withLock { status in
      defer { status.connection = .connected }
      return status.connection != .connected
    }
    if isNews { logger.info("Kafka answers", metadata: ["topic": "\(configuration.topic)"]) }
  }

  func noteLost(_ error: KafkaError) {
    state.update { $0.connection = .lost(error.description) }
    faults.report("kafka", "Kafka cannot be read; trying again", metadata: ["error": "\(error)"])
    if !partitions.isEmpty { partitionRefresh.expire(after: configuration.retryMilliseconds) }
  }

  /// Waits a moment; a stop ends the wait. Kafka need not be polled meanwhile: what librdkafka fetches ahead is
  /// bounded, and no group waits for us.
  func waitForRetry() { state.wait(milliseconds: configuration.retryMilliseconds) }

  func maintain() {
    maintenance.restart()
    retain()
    do throws(StoreError) {
      try store.maintain()
      state.update { $0.maintenanceFailure = nil }
    } catch {
      state.update { $0.maintenanceFailure = error.description }
      faults.report("store", "The store's maintenance failed; trying again", metadata: ["error": "\(error)"])
    }
    let lag = Dictionary(
      uniqueKeysWithValues: partitions.compactMap { partition -> (Int32, Int64)? in
        return (try? consumer.cachedWatermarks(of: place(of: partition))).map(\.high).map {
          (partition, max(0, $0 - (store.nextOffset(of: partition) ?? 0)))
        }
      })
    state.update { $0.lag = lag }
    if !lag.isEmpty, lag.values.allSatisfy({ $0 == 0 }) { wasFull = false }
    memory.note(lag: lag.values.reduce(0, &+))
    noteRebuild()
    metrics.record(lag: lag, store: store.status())
  }
}
