import ActionStore
import AuditActions
import Kafka
import Logging
import Synchronization

/// Where reading begins: where the store stands, or, for a store that has nothing, where records can still be alive.
extension IngestLoop {
  /// Reads every partition from the first offset that is not stored.
  func assign() throws(KafkaError) {
    let isRebuild = store.nextOffsets.isEmpty
    let starts = isRebuild ? try rebuildStarts() : starts(of: partitions)
    continuity.began(partitions, connections: consumer.connectionsOpened)
    try consumer.assign(starts)
    if isRebuild { try beginRebuild(starts) }
  }

  /// From a little before the end of what is stored, see ``LogContinuity``.
  private func starts(of partitions: [Int32]) -> [TopicPartition: Start] {
    let standings = store.standings
    return Dictionary(
      partitions.map { ($0, standings[$0]) }.map { partition, standing in
        (place(of: partition), standing.map { .offset(LogContinuity.start($0)) } ?? .beginning)
      }, uniquingKeysWith: { first, _ in first })
  }

  /// What of a batch follows on what is stored.
  func sift(_ batch: ConsumedBatch) -> LogContinuity.Sifted {
    let ends = Dictionary(batch.ends.map { ($0.key.partition, $0.value) }, uniquingKeysWith: max)
    let sifted = continuity.sift(batch, ends: ends, connections: consumer.connectionsOpened) { store.standings }
    for partition in sifted.refused {
      refuse(
        partition,
        "partition \(partition) of '\(configuration.topic)' has another record where the last one stored was:"
          + " the topic was made anew, or its broker lost records it had acknowledged and gave their offsets to others")
    }
    for partition in sifted.short { checkEnd(of: place(of: partition)) }
    state.update { [uncompared = continuity.uncompared] in $0.uncomparedPartitions = uncompared }
    return sifted
  }

  /// Reads again, to compare, what another broker or another connection may have another log of.
  func goBack() throws(KafkaError) {
    let partitions = continuity.goingBack
    guard !partitions.isEmpty else { return }
    try consumer.seek(starts(of: partitions))
    continuity.wentBack(partitions)
  }

  /// A broker that has just come to lead a partition may not know its end yet; one that tells it tells the truth.
  private func checkEnd(of partition: TopicPartition) {
    guard let end = try? consumer.watermarks(of: partition, timeout: .seconds(5)).high,
      let stored = store.nextOffset(of: partition.partition), end < stored
    else { return }
    refuse(partition.partition, endsEarly(partition.partition, stored, end: end))
  }

  func place(of partition: Int32) -> TopicPartition { TopicPartition(topic: configuration.topic, partition: partition) }

  /// The first record of each partition that is younger than the longest TTL: everything before it has expired.
  private func rebuildStarts() throws(KafkaError) -> [TopicPartition: Start] {
    let longest = Int64(ActionLimits.timeToLiveSecondsMax) * 1_000
    let oldest = store.wallMilliseconds(at: store.nowMilliseconds()) - longest
    return try RebuildStarts(positions: consumer).starts(of: partitions.map { place(of: $0) }, from: oldest)
  }

  private func beginRebuild(_ starts: [TopicPartition: Start]) throws(KafkaError) {
    var rebuild = IngestStatus.Rebuild()
    keep(starts)
    for (place, start) in starts {
      let watermarks = try consumer.watermarks(of: place, timeout: .seconds(5))
      let first = if case .offset(let offset) = start { max(offset, watermarks.low) } else { watermarks.low }
      guard watermarks.high > first else { continue }
      rebuild.ends[place.partition] = watermarks.high
      rebuild.total += watermarks.high - first
    }
    guard rebuild.total > 0 else { return }
    logger.notice(
      "The store is empty: it is rebuilt from the topic",
      metadata: ["records": "\(rebuild.total)", "partitions": "\(partitions.count)"])
    rebuild.remaining = rebuild.total
    state.update { $0.rebuild = rebuild }
  }

  /// Has the store remember where each partition begins, so that a start after a crash in the middle goes on there. It
  /// does without when there is no room: then more is read than need be.
  private func keep(_ starts: [TopicPartition: Start]) {
    _ = try? store.append { writer in
      for (place, start) in starts {
        if case .offset(let offset) = start { writer.advance(partition: place.partition, to: offset) }
      }
    }
  }

  /// How far a rebuild has come; called with each round of maintenance.
  func noteRebuild() {
    guard var rebuild = state.status.withLock({ $0.rebuild }) else { return }
    rebuild.remaining = rebuild.ends.reduce(0) { $0 + max(0, $1.value - (store.nextOffset(of: $1.key) ?? 0)) }
    rebuild.remaining = min(rebuild.remaining, rebuild.total)
    metrics.record(rebuildRemaining: rebuild.remaining)
    guard rebuild.remaining > 0 else {
      logger.notice("The store is rebuilt", metadata: ["records": "\(rebuild.total)"])
      return state.update { $0.rebuild = nil }
    }
    state.update { [rebuild] in $0.rebuild = rebuild }
    faults.report(
      "rebuild", "Rebuilding the store from the topic", metadata: ["progress": "\(rebuild)"], level: .notice)
  }

  /// Kafka no longer has the offset the store stands at: what is lost is recorded for good, and reading goes on at the
  /// earliest offset there is.
  func resumeAtEarliest(_ partition: TopicPartition) {
    do {
      let watermarks = try consumer.watermarks(of: partition, timeout: .seconds(5))
      if let stored = store.nextOffset(of: partition.partition) {
        if watermarks.high < stored {
          return refuse(partition.partition, endsEarly(partition.partition, stored, end: watermarks.high))
        }
        try recordHole(partition.partition, from: stored, to: watermarks.low)
      }
      try consumer.seek([partition: .offset(watermarks.low)])
    } catch {
      if let error = error as? KafkaError {
        noteLost(error)
      } else {
        faults.report("hole", "A hole cannot be recorded; trying again", metadata: ["error": "\(error)"])
      }
      // Asked for again with the next refresh of partitions.
      partitions.removeAll { $0 == partition.partition }
      partitionRefresh.expire(after: configuration.retryMilliseconds)
    }
  }

  private func recordHole(_ partition: Int32, from stored: Int64, to earliest: Int64) throws {
    guard earliest > stored else { return }
    let reason: Hole.Reason = wasFull ? .storeFull : .topicRetention
    _ = try store.append { writer in writer.recordHole(partition: partition, to: earliest, reason: reason) }
    logger.error(
      "Kafka removed records before they were read: readers are told",
      metadata: [
        "reason": "\(reason.rawValue)", "partition": "\(partition)", "from": "\(stored)", "to": "\(earliest - 1)",
        "offsets": "\(earliest - stored)",
      ])
    metrics.lostRecords(partition: partition, count: earliest - stored)
  }

  private func endsEarly(_ partition: Int32, _ stored: Int64, end: Int64) -> String {
    "partition \(partition) of '\(configuration.topic)' ends at \(end), before offset \(stored) that is stored: the topic"
      + " was made anew, or its broker lost records it had acknowledged"
  }

  /// A partition that is not the one that was read: its offsets mean other records now, and going on would take new
  /// actions for old ones. It is not read any more, and the node is not ready, until it is started anew.
  private func refuse(_ partition: Int32, _ reason: String) {
    let reason = reason + "; start with an empty data directory"
    continuity.refuse(partition)
    try? consumer.pause([place(of: partition)])
    state.update { $0.refusedPartitions[partition] = reason }
    logger.error("The topic is not the one that was read", metadata: ["reason": "\(reason)"])
  }
}

extension ConsumedRecord: LogRecord {
  var fingerprint: RecordFingerprint {
    RecordFingerprint(offset: offset, timestampMilliseconds: timestamp.milliseconds, key: key, value: value)
  }
}
