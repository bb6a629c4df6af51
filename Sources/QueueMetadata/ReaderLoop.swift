import AuditActions
import Kafka
import Logging
import Metrics
import Synchronization

/// The loop of the reader's thread. Everything in it may block, and nothing else runs on its thread.
final class ReaderLoop {
  /// Records taken from Kafka at a time.
  private static let batchRecordsMax = 1_000
  private static let pollTimeout: Duration = .seconds(1)

  private let configuration: QueueMetadataConfiguration
  private let consumer: KafkaConsumer
  private let state: MetadataState
  private let onChange: QueueMetadataReader.OnChange
  private let onCaughtUp: @Sendable () -> Void
  private let logger: Logger
  private let skipped = Counter(label: "strandline_queue_metadata_skipped_total")
  private let queues = Gauge(label: "strandline_queue_metadata_queues")
  private var partitions: [Int32] = []
  private var refreshDue = ContinuousClock.now
  private var loggedFailure: String?
  private var loggedReasons: Set<AuditActionError.Code> = []

  init(
    configuration: QueueMetadataConfiguration, consumer: KafkaConsumer, state: MetadataState,
    onChange: @escaping QueueMetadataReader.OnChange, onCaughtUp: @escaping @Sendable () -> Void, logger: Logger
  ) {
    self.configuration = configuration
    self.consumer = consumer
    self.state = state
    self.onChange = onChange
    self.onCaughtUp = onCaughtUp
    self.logger = logger
  }

  func run() {
    while !state.isStopping {
      if ContinuousClock.now >= refreshDue { refreshPartitions() }
      if partitions.isEmpty { state.pause(milliseconds: configuration.retryMilliseconds) } else { turn() }
    }
  }

  private func turn() {
    do throws(KafkaError) {
      let batch = try consumer.poll(maxRecords: Self.batchRecordsMax, timeout: Self.pollTimeout)
      if !batch.isEmpty || !batch.ends.isEmpty { noteConnected() }
      take(batch)
      for failure in batch.failures { try handle(failure) }
    } catch {
      noteLost(error)
      state.pause(milliseconds: configuration.retryMilliseconds)
    }
  }

  // MARK: Partitions

  private func refreshPartitions() {
    refreshDue = .now + .milliseconds(configuration.partitionRefreshMilliseconds)
    do throws(KafkaError) {
      let found = try consumer.partitions(of: configuration.topic, timeout: .seconds(5)).sorted()
      noteConnected()
      guard found != partitions else { return }
      let positions = state.contents.withLock { $0.positions }
      try consumer.assign(
        Dictionary(
          found.map { (place(of: $0), positions[$0].map { .offset($0) } ?? .beginning) },
          uniquingKeysWith: { first, _ in first }))
      partitions = found
      state.contents.withLock { $0.partitions = found }
    } catch {
      noteLost(error)
      if partitions.isEmpty { refreshDue = .now }
      let isMissing =
        error.code == KafkaError.Code.unknownTopicOrPartition || error.code == KafkaError.Code.unknownTopic
      if isMissing, configuration.createsTopic { createTopic() }
    }
  }

  /// Makes the topic; when that is not allowed, somebody else has to, and reading is tried again until then.
  private func createTopic() {
    let failure = TopicCreation.run(configuration, logger: logger)
    if let failure, failure.code != KafkaError.Code.topicAlreadyExists {
      note(failure: "the topic '\(configuration.topic)' is missing and cannot be made (\(failure.name))")
    } else {
      logger.notice("Topic created", metadata: ["topic": "\(configuration.topic)"])
    }
  }

  private func place(of partition: Int32) -> TopicPartition {
    TopicPartition(topic: configuration.topic, partition: partition)
  }

  private func handle(_ failure: (partition: TopicPartition?, error: KafkaError)) throws(KafkaError) {
    let isOffsetLost = [KafkaError.Code.autoOffsetReset, KafkaError.Code.offsetOutOfRange].contains(failure.error.code)
    guard isOffsetLost, let partition = failure.partition else { return noteLost(failure.error) }
    // The topic was made anew, or its oldest records went: what it holds now is all there is.
    state.contents.withLock { contents in
      contents.positions[partition.partition] = nil
      contents.unmet[partition.partition] = Set(
        contents.entries.filter { $0.value.version.partition == partition.partition }.keys)
    }
    logger.warning("Queue metadata is read anew", metadata: ["partition": "\(partition)"])
    try consumer.seek([partition: .beginning])
  }

  // MARK: Records

  private func take(_ batch: ConsumedBatch) {
    var read: [(queue: QueueAddress, entry: QueueEntry?, partition: Int32)] = []
    var faults = 0
    for record in batch {
      do throws(AuditActionError) {
        let (queue, document) = try Self.read(record)
        let version = QueueVersion(partition: record.partition, offset: record.offset)
        read.append((queue, document.map { QueueEntry(document: $0, version: version) }, record.partition))
      } catch {
        faults += 1
        skip(record, error)
      }
    }
    guard !batch.isEmpty || !batch.ends.isEmpty else { return }
    let (changes, isNewlyCaughtUp, count) = state.contents.withLock { contents in
      contents.skipped += UInt64(faults)
      var changes: [(queue: QueueAddress, document: QueueDocument?)] = []
      for (queue, entry, partition) in read {
        contents.set(entry, of: queue)
        contents.unmet[partition]?.remove(queue)
        changes.append((queue, entry?.document))
      }
      for record in batch { contents.positions[record.partition] = record.offset + 1 }
      for (place, end) in batch.ends {
        contents.positions[place.partition] = max(end, contents.positions[place.partition] ?? 0)
        contents.reached.insert(place.partition)
        for queue in contents.unmet.removeValue(forKey: place.partition) ?? [] {
          contents.set(nil, of: queue)
          changes.append((queue, nil))
        }
      }
      let isNews = !contents.isCaughtUp && contents.reached.isSuperset(of: contents.partitions)
      if isNews { contents.isCaughtUp = true }
      return (changes, isNews, contents.entries.count)
    }
    for change in changes { onChange(change.queue, change.document) }
    queues.record(count)
    if isNewlyCaughtUp {
      logger.info("Queue metadata is read", metadata: ["topic": "\(configuration.topic)", "queues": "\(count)"])
      onCaughtUp()
    }
    // Last, so that whoever waits finds everything changed.
    state.wakeWaiters()
  }

  private static func read(_ record: ConsumedRecord) throws(AuditActionError) -> (QueueAddress, QueueDocument?) {
    guard let key = record.key else { throw .missingKey }
    let queue = try QueueAddress(key: key)
    guard let value = record.value else { return (queue, nil) }
    return (queue, try QueueDocument(value))
  }

  private func skip(_ record: ConsumedRecord, _ error: AuditActionError) {
    skipped.increment()
    guard loggedReasons.insert(error.code).inserted else { return }
    logger.error(
      "A record of queue metadata breaks the contract and is skipped; others for the same reason are only counted",
      metadata: [
        "reason": "\(error.code.rawValue)", "partition": "\(record.partition)", "offset": "\(record.offset)",
      ])
  }

  // MARK: Status

  private func noteConnected() {
    loggedFailure = nil
    state.contents.withLock { $0.failure = nil }
  }

  private func noteLost(_ error: KafkaError) {
    note(failure: "the topic '\(configuration.topic)' cannot be read: \(error)")
    if !partitions.isEmpty { refreshDue = min(refreshDue, .now + .milliseconds(configuration.retryMilliseconds)) }
  }

  private func note(failure: String) {
    state.contents.withLock { $0.failure = failure }
    guard loggedFailure != failure else { return }
    loggedFailure = failure
    logger.warning("Kafka cannot be read; trying again", metadata: ["reason": "\(failure)"])
  }
}

extension MetadataState.Contents {
  fileprivate mutating func set(_ entry: QueueEntry?, of queue: QueueAddress) {
    entries[queue] = entry
    policies.set(entry?.document.audit, of: queue)
  }
}
