import Kafka
import Logging
import ObjectStores
import Synchronization

/// The loop of the archive's thread: it polls, cuts, and hands to the uploads. Everything in it may block for seconds,
/// and nothing else runs on its thread.
final class ArchiveLoop {
  let configuration: ArchiveConfiguration
  let store: any ObjectStore
  let consumer: KafkaConsumer
  let spool: Spool
  let packing: PackingThreads
  let state: ArchiveState
  let logger: Logger
  let metrics = ArchiveMetrics()
  var readers: [TopicPartition: PartitionReader] = [:]
  /// Readers that know where they stand in the store and not yet in Kafka.
  var arriving: [TopicPartition: ChainRecovery.Found] = [:]
  /// Partitions that begin anew after a failure of the spool or a race, at a moment.
  private var restarts: [TopicPartition: ContinuousClock.Instant] = [:]
  /// Connections to brokers opened when all that was taken was last known to be of one log.
  var connections: UInt64 = 0
  private var commits: [TopicPartition: Int64] = [:]
  private var generations: UInt64 = 0
  private var nextTick = ContinuousClock.now
  private var nextCommit = ContinuousClock.now
  private var hasCommitFailed = false

  init(
    configuration: ArchiveConfiguration, store: any ObjectStore, consumer: KafkaConsumer, spool: Spool,
    packing: PackingThreads, state: ArchiveState, logger: Logger
  ) {
    self.configuration = configuration
    self.store = store
    self.consumer = consumer
    self.spool = spool
    self.packing = packing
    self.state = state
    self.logger = logger
  }

  var isStopping: Bool { state.isStopping }
  var nowMilliseconds: Int64 { configuration.nowMilliseconds() }

  // MARK: Turns

  /// Reads what the group gives this process, until it is stopped.
  func serve() {
    let state = state
    do throws(KafkaError) {
      try consumer.subscribe(
        topics: [configuration.layout.topic],
        callbacks: RebalanceCallbacks(
          assigned: { partitions in
            state.post(.assigned(partitions))
            // Nothing is taken before the store has said where to begin.
            return Dictionary(partitions.map { ($0, Start.beginning) }, uniquingKeysWith: { first, _ in first })
          },
          revoked: { partitions, _ in state.post(.revoked(partitions)) }))
    } catch {
      state.update { $0.kafkaFailure = "\(error)" }
      logger.error("The group cannot be joined", metadata: ["error": "\(error)"])
      return
    }
    while !isStopping { turn() }
    end()
  }

  /// One poll and what it brought.
  func turn() {
    do throws(KafkaError) {
      let batch = try consumer.poll(
        maxRecords: configuration.pollRecordsMax, timeout: .milliseconds(configuration.pollTimeoutMilliseconds))
      for rebalance in state.takeRebalances() { handle(rebalance) }
      if !batch.isEmpty || !batch.ends.isEmpty { state.update { $0.kafkaFailure = nil } }
      let isDoubtful = isDoubtful(batch)
      if isDoubtful {
        for reader in readers.values where reader.state == .reading { lookBack(reader) }
      } else {
        take(batch)
      }
      // After the records that came before them.
      for failure in batch.failures { handle(failure) }
      for (place, end) in batch.ends where !isDoubtful { readers[place].map { noteEnd(of: $0, at: end) } }
    } catch {
      noteLost(error)
      state.wait(milliseconds: 200)
    }
    attend()
  }

  /// Everything but polling.
  func attend() {
    for message in state.takeMessages() { handle(message) }
    arrive()
    balance()
    if ContinuousClock.now >= nextTick {
      nextTick = .now + .milliseconds(configuration.tickMilliseconds)
      tick()
    }
    commit()
  }

  private func take(_ batch: ConsumedBatch) {
    let now = nowMilliseconds
    for reader in readers.values { reader.skipsBatch = false }
    var current: PartitionReader?
    for record in batch {
      // Records come partition by partition: one look-up for a run of them.
      if current?.place.partition != record.partition { current = readers[record.topicPartition] }
      guard let reader = current, reader.state == .reading else { continue }
      if let target = reader.target, record.offset >= target { continue }
      if reader.isFromAnotherBroker(record) { lookBack(reader) }
      attempt(reader) { (reader) throws(ArchiveError) in
        if try reader.take(ArchivedRecord(record), nowMilliseconds: now) == .seek { self.seek(reader) }
      }
    }
  }

  /// Runs what can fail for one partition: its failure is its own.
  func attempt(_ reader: PartitionReader, _ body: (PartitionReader) throws(ArchiveError) -> Void) {
    do throws(ArchiveError) { try body(reader) } catch { fail(reader, error) }
  }

  private func fail(_ reader: PartitionReader, _ error: ArchiveError) {
    if error.code == .io, !configuration.once {
      logger.error(
        "An object cannot be built; trying again",
        metadata: ["partition": "\(reader.place.partition)", "error": "\(error)"])
      restart(reader, after: .milliseconds(configuration.retryMilliseconds * 4))
      reader.failure = "\(error)"
    } else {
      stop(reader, ArchiveStop(reason: "\(error)", isUnavailable: false))
    }
  }

  // MARK: Partitions

  private func handle(_ rebalance: ArchiveState.Rebalance) {
    switch rebalance {
    case .assigned(let partitions):
      for place in partitions { begin(place) }
    case .revoked(let partitions):
      // Nothing is flushed: the next owner cuts at the same place.
      for place in partitions { forget(place) }
    }
  }

  func begin(_ place: TopicPartition) {
    forget(place)
    generations += 1
    let (generation, state, consumer) = (generations, state, consumer)
    let uploads = PartitionUploads(
      partition: place.partition, configuration: configuration, store: store, logger: logger
    ) { event in
      state.post(ArchiveState.Message(place: place, generation: generation, event: event))
      consumer.wakeUp()
    }
    let reader = PartitionReader(
      place: place, configuration: configuration, spool: spool, packing: packing, uploads: uploads,
      generation: generation)
    readers[place] = reader
    if !configuration.once { pause(reader) }
    state.update { $0.partitions[place.partition] = ArchiveStatus.Partition() }
  }

  private func forget(_ place: TopicPartition) {
    arriving[place] = nil
    restarts[place] = nil
    commits[place] = nil
    guard let reader = readers.removeValue(forKey: place) else { return }
    reader.drop()
    state.update { $0.partitions[place.partition] = nil }
  }

  func stop(_ reader: PartitionReader, _ stop: ArchiveStop) {
    reader.state = .stopped(stop)
    reader.drop()
    pause(reader)
    state.update { $0.partitions[reader.place.partition, default: .init()].stop = stop }
    logger.error(
      "A partition is not archived any more; nothing of it is skipped",
      metadata: ["partition": "\(reader.place.partition)", "reason": "\(stop.reason)"])
  }

  private func restart(_ reader: PartitionReader, after wait: Duration) {
    reader.drop()
    reader.state = .recovering
    pause(reader)
    restarts[reader.place] = .now + wait
  }

  // MARK: What the uploads say

  private func handle(_ message: ArchiveState.Message) {
    guard let reader = readers[message.place], reader.generation == message.generation else { return }
    let partition = message.place.partition
    switch message.event {
    case .recovered(let found):
      reader.failure = nil
      if reader.state == .recovering { arriving[message.place] = found }
    case .done(let next, let cut):
      reader.failure = nil
      reader.noteDone(isCut: cut != nil)
      if let next {
        commits[message.place] = next
        state.update { $0.partitions[partition]?.archived = next }
      }
      if let cut { note(cut) }
      if reader.state == .finishing, reader.waitingSteps == 0 { reader.state = .finished }
    case .manifest(let manifest):
      metrics.storedManifest()
      state.update { $0.manifests += 1 }
      logger.info(
        "A period is stated",
        metadata: [
          "partition": "\(partition)", "period": "\(ArchiveTime.text(manifest.startMilliseconds))",
          "statement": "\(manifest.statement)",
        ])
    case .superseded:
      logger.notice(
        "Another process archives this partition as well; going on from what the store has",
        metadata: ["partition": "\(partition)"])
      restart(reader, after: .milliseconds(configuration.retryMilliseconds))
    case .failing(let reason):
      metrics.storeFailed()
      reader.failure = reason
    case .stopped(let stop):
      self.stop(reader, stop)
    case .notBuilt(let error):
      fail(reader, error)
    }
    let failure = reader.failure
    state.update { $0.partitions[partition]?.failure = failure }
  }

  private func note(_ cut: CutRecord) {
    metrics.stored(cut)
    state.update { status in
      status.objects += UInt64(cut.objects.count)
      for object in cut.objects {
        status.actions += UInt64(clamping: object.actions)
        status.rejected += UInt64(clamping: object.rejected)
        status.lostOffsets += UInt64(clamping: object.content.holeOffsets)
      }
    }
    logger.info(
      "Stored",
      metadata: [
        "object": "\(cut.objects.count == 1 ? cut.objects[0].key : "\(cut.objects.count) objects")",
        "actions": "\(cut.objects.reduce(0) { $0 + $1.actions })",
      ])
  }

  // MARK: Clock, pressure, commits

  private func tick() {
    for (place, moment) in restarts where moment <= .now { begin(place) }
    do throws(KafkaError) { try closePast() } catch { noteLost(error) }
    report()
  }

  /// Closes periods that are over in partitions that were read to their end.
  private func closePast() throws(KafkaError) {
    guard !configuration.once else { return }
    let moment = nowMilliseconds
    // After a fault somebody is asked, due or not: a quiet topic would not tell that Kafka is there again.
    let hasFailed = state.status.withLock { $0.kafkaFailure != nil }
    for reader in readers.values where reader.isDue(moment) || hasFailed {
      // Asked after the moment was noted: what was written before it is before this end.
      let high = try consumer.watermarks(of: reader.place, timeout: .seconds(3)).high
      guard reader.isDue(moment), reader.reached >= high else { continue }
      attempt(reader) { (reader) throws(ArchiveError) in try reader.closePast(moment) }
    }
    if hasFailed, !readers.isEmpty { state.update { $0.kafkaFailure = nil } }
  }

  /// Pauses partitions whose cuts wait for the store, and reads them again when there is room.
  private func balance() {
    for reader in readers.values where reader.state == .reading {
      if reader.waitingCuts >= PartitionReader.waitingCutsMax, !reader.isPaused {
        pause(reader)
      } else if reader.waitingCuts < PartitionReader.waitingCutsMax, reader.isPaused {
        resume(reader)
      }
    }
  }

  private func commit() {
    guard !commits.isEmpty, .now >= nextCommit else { return }
    do throws(KafkaError) {
      try consumer.commit(commits, timeout: .seconds(5))
      commits = [:]
      hasCommitFailed = false
    } catch {
      // The store knows better where to go on; the group's offset is for those who watch it.
      if !hasCommitFailed {
        logger.warning("The group's offsets cannot be committed; trying again", metadata: ["error": "\(error)"])
      }
      hasCommitFailed = true
      nextCommit = .now + .milliseconds(configuration.tickMilliseconds)
    }
  }

  func report() {
    for reader in readers.values {
      let place = reader.place
      let end = (try? consumer.cachedWatermarks(of: place))?.high ?? reader.end
      let oldest = reader.oldestUnarchived
      state.update { status in
        guard status.partitions[place.partition] != nil else { return }
        if let end { status.partitions[place.partition]?.end = end }
        status.partitions[place.partition]?.oldestUnarchivedMilliseconds = oldest
      }
    }
    metrics.record(state.status.withLock { $0 }, nowMilliseconds: nowMilliseconds)
  }

  /// What was built is stored, within a bound; what is open is dropped.
  private func end() {
    for reader in readers.values { reader.uploads.finish() }
    let deadline = ContinuousClock.now + Self.endPatience
    while readers.values.contains(where: { $0.waitingSteps > 0 && $0.state == .reading }), .now < deadline {
      state.wait(milliseconds: 100)
      for message in state.takeMessages() { handle(message) }
    }
    nextCommit = .now
    commit()
    for reader in readers.values { reader.drop() }
  }

  /// How long uploads under way are waited for when the process is to end.
  static let endPatience: Duration = .seconds(12)

  func noteLost(_ error: KafkaError) {
    let isNews = state.status.withLock { status in
      defer { status.kafkaFailure = "\(error)" }
      return status.kafkaFailure == nil
    }
    if isNews { logger.warning("Kafka cannot be read; trying again", metadata: ["error": "\(error)"]) }
  }
}
