import Kafka
import Logging

/// Where partitions are read from: the store says it, Kafka confirms it.
extension ArchiveLoop {
  /// Lets those begin to read of which the store has told where they stand. What Kafka does not answer is asked again.
  func arrive() {
    guard !configuration.once else { return }
    for (place, found) in arriving {
      guard let reader = readers[place] else {
        arriving[place] = nil
        continue
      }
      do throws(KafkaError) {
        guard try settle(reader, found) else { continue }
        arriving[place] = nil
        if reader.state == .reading { resume(reader) }
      } catch {
        noteLost(error)
        return
      }
    }
  }

  /// Decides where a partition goes on.
  /// - Returns: false when it has to be asked again.
  func settle(_ reader: PartitionReader, _ found: ChainRecovery.Found) throws(KafkaError) -> Bool {
    let marks = try consumer.watermarks(of: reader.place, timeout: .seconds(5))
    var start = marks.low
    if found.unfinished == nil, found.chain.nextOffset == nil,
      let committed = try consumer.committed(of: [reader.place], timeout: .seconds(5))[reader.place] ?? nil
    {
      // Where an operator has set the group for an archive that is to begin there.
      start = committed
    }
    reader.recover(found, start: start)
    reader.end = marks.high
    let next = reader.next ?? 0
    state.update { $0.partitions[reader.place.partition]?.archived = next }
    guard marks.high >= next else {
      stop(reader, Self.endsEarly(marks.high, next))
      return true
    }
    reader.noteEarliest(marks.low)
    if marks.low > next { lose(reader, upTo: marks.low) }
    logger.info(
      "Archiving a partition",
      metadata: ["partition": "\(reader.place.partition)", "from": "\(reader.expected ?? next)"])
    return true
  }

  func lose(_ reader: PartitionReader, upTo earliest: Int64) {
    logger.error(
      "The topic lost records before they were archived; the archive says so",
      metadata: [
        "partition": "\(reader.place.partition)", "from": "\(reader.next ?? 0)", "to": "\(earliest - 1)",
      ])
    attempt(reader) { (reader) throws(ArchiveError) in try reader.lose(upTo: earliest) }
  }

  func handle(_ failure: (partition: TopicPartition?, error: KafkaError)) {
    let isOffsetLost = [KafkaError.Code.autoOffsetReset, KafkaError.Code.offsetOutOfRange].contains(failure.error.code)
    guard isOffsetLost, let place = failure.partition, let reader = readers[place] else {
      return noteLost(failure.error)
    }
    guard reader.state == .reading else { return }
    do throws(KafkaError) {
      let marks = try consumer.watermarks(of: place, timeout: .seconds(5))
      reader.noteEarliest(marks.low)
      guard let expected = reader.expected, let next = reader.next else { return }
      if marks.high < max(expected, next) { return stop(reader, Self.endsEarly(marks.high, max(expected, next))) }
      if marks.low > expected { lose(reader, upTo: marks.low) }
      seek(reader)
    } catch {
      noteLost(error)
    }
  }

  private static func endsEarly(_ end: Int64, _ next: Int64) -> ArchiveStop {
    ArchiveStop(
      reason: "the partition ends at \(end), before offset \(next) that comes next: the topic was made anew, or its "
        + "broker lost records it had acknowledged; archive it to another place", isUnavailable: false)
  }

  /// - Parameter offset: where the partition was at its end
  func noteEnd(of reader: PartitionReader, at offset: Int64) {
    reader.noteEnd(offset)
    guard reader.state == .reading, let next = reader.next, offset < next else { return }
    // A broker that has just come to lead a partition may not know its end yet; one that tells it tells the truth.
    guard let end = try? consumer.watermarks(of: reader.place, timeout: .seconds(5)).high, end < next else { return }
    stop(reader, Self.endsEarly(end, next))
  }

  // MARK: Another log

  /// Whether connections were opened since the last batch: then some of this one may have come before a broker was
  /// lost, and some of it after another took its place, with another log.
  func isDoubtful(_ batch: ConsumedBatch) -> Bool {
    let opened = consumer.connectionsOpened
    guard opened != connections, !batch.isEmpty || !batch.ends.isEmpty else { return false }
    connections = opened
    return true
  }

  /// Nothing is taken before the last record taken was met again.
  func lookBack(_ reader: PartitionReader) {
    reader.doubtLog()
    reader.skipsBatch = true
    seek(reader)
  }

  // MARK: Consumer

  func pause(_ reader: PartitionReader) {
    reader.isPaused = true
    // One that was taken away meanwhile needs no pause.
    try? consumer.pause([reader.place])
  }

  /// Reads on at the offset that is expected, whatever was fetched before.
  func resume(_ reader: PartitionReader) {
    do throws(KafkaError) {
      try consumer.resume([reader.place])
      reader.isPaused = false
    } catch {
      return noteLost(error)
    }
    seek(reader)
  }

  func seek(_ reader: PartitionReader) {
    guard let expected = reader.expected else { return }
    do throws(KafkaError) {
      try consumer.seek([reader.place: .offset(expected)])
      reader.noteSeek(succeeded: true)
    } catch {
      noteLost(error)
      reader.noteSeek(succeeded: false)
    }
  }
}
