import ActionStore
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
  private var partitionRefresh: Interval

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
    judge = RecordJudge(defaultTimeToLiveSeconds: configuration.defaultTimeToLiveSeconds)
    faults = FaultLog(logger: logger)
    maintenance = Interval(milliseconds: configuration.maintenanceMilliseconds)
    partitionRefresh = Interval(milliseconds: configuration.partitionRefreshMilliseconds)
  }

  var isStopping: Bool { state.isStopping }

  func run() {
    while !isStopping {
      if partitionRefresh.isDue { refreshPartitions() }
      turn()
      if maintenance.isDue { maintain() }
    }
    maintain()
  }

  /// One poll and what it brought.
  private func turn() {
    do throws(KafkaError) {
      let batch = try consumer.poll(
        maxRecords: configuration.batchRecordsMax, timeout: .milliseconds(configuration.pollTimeoutMilliseconds))
      if !batch.isEmpty || !batch.ends.isEmpty { noteConnected() }
      for failure in batch.failures { handle(failure) }
      store(batch)
    } catch {
      noteLost(error)
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
      state.update { $0.partitions = found }
      try assign()
    } catch {
      // Until the partitions are known the question is asked again at once; afterwards at the usual interval.
      if partitions.isEmpty { partitionRefresh.expire() } else { partitionRefresh.restart() }
      noteLost(error)
      if partitions.isEmpty { waitForRetry() }
    }
  }

  /// Reads every partition from the first offset that is not stored.
  func assign() throws(KafkaError) {
    var starts: [TopicPartition: Start] = [:]
    for partition in partitions {
      starts[TopicPartition(topic: configuration.topic, partition: partition)] =
        store.nextOffset(of: partition).map { .offset($0) } ?? .beginning
    }
    try consumer.assign(starts)
  }

  private func handle(_ failure: (partition: TopicPartition?, error: KafkaError)) {
    let isOffsetLost = [KafkaError.Code.autoOffsetReset, KafkaError.Code.offsetOutOfRange].contains(failure.error.code)
    if isOffsetLost, let partition = failure.partition {
      resumeAtEarliest(partition)
    } else {
      noteLost(failure.error)
    }
  }

  /// Kafka no longer has the offset the store stands at: reading goes on at the earliest there is, and says so.
  private func resumeAtEarliest(_ partition: TopicPartition) {
    let stored = store.nextOffset(of: partition.partition)
    do throws(KafkaError) {
      let watermarks = try consumer.watermarks(of: partition, timeout: .seconds(5))
      let earliest = watermarks.low
      if let stored, watermarks.high < stored { return refuse(partition.partition, stored, end: watermarks.high) }
      let lost = stored.map { max(0, earliest - $0) }
      logger.error(
        "The topic's retention removed records before they were read",
        metadata: [
          "partition": "\(partition.partition)", "stored": "\(stored.map { String($0) } ?? "none")",
          "earliest": "\(earliest)", "lost": "\(lost.map { String($0) } ?? "unknown")",
        ])
      metrics.lostRecords(partition: partition.partition, count: lost ?? 0)
      try consumer.seek([partition: .offset(earliest)])
    } catch {
      noteLost(error)
      // Asked for again with the next refresh of partitions.
      partitions.removeAll { $0 == partition.partition }
      partitionRefresh.expire()
    }
  }

  /// A partition that ends before what is stored: its offsets mean other records now, and going on would take new
  /// actions for old ones. It is not read any more, and the node is not ready, until it is started anew.
  private func refuse(_ partition: Int32, _ stored: Int64, end: Int64) {
    let reason =
      "partition \(partition) of '\(configuration.topic)' ends at \(end), before offset \(stored) that is stored; if "
      + "the topic was made anew, start with an empty data directory"
    state.update { $0.refusedPartitions[partition] = reason }
    logger.error("The topic is not the one that was read", metadata: ["reason": "\(reason)"])
  }

  // MARK: Status

  private func noteConnected() {
    let isNews = state.status.withLock { status in
      defer { status.connection = .connected }
      return status.connection != .connected
    }
    if isNews { logger.info("Kafka answers", metadata: ["topic": "\(configuration.topic)"]) }
  }

  private func noteLost(_ error: KafkaError) {
    state.update { $0.connection = .lost(error.description) }
    faults.report("kafka", "Kafka cannot be read; trying again", metadata: ["error": "\(error)"])
    if !partitions.isEmpty { partitionRefresh.expire(after: configuration.retryMilliseconds) }
  }

  /// Waits a moment; a stop ends the wait. Kafka need not be polled meanwhile: what librdkafka fetches ahead is
  /// bounded, and no group waits for us.
  func waitForRetry() { state.wait(milliseconds: configuration.retryMilliseconds) }

  func maintain() {
    maintenance.restart()
    do throws(StoreError) {
      try store.maintain()
      state.update { $0.maintenanceFailure = nil }
    } catch {
      state.update { $0.maintenanceFailure = error.description }
      faults.report("store", "The store's maintenance failed; trying again", metadata: ["error": "\(error)"])
    }
    let lag = Dictionary(
      uniqueKeysWithValues: partitions.compactMap { partition -> (Int32, Int64)? in
        let place = TopicPartition(topic: configuration.topic, partition: partition)
        return (try? consumer.cachedWatermarks(of: place)).map(\.high).map {
          (partition, max(0, $0 - (store.nextOffset(of: partition) ?? 0)))
        }
      })
    state.update { $0.lag = lag }
    metrics.record(lag: lag, store: store.status())
  }
}
