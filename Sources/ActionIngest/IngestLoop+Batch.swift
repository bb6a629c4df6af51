import ActionProof
import ActionStore
import AuditActions
import Kafka
import Logging

extension IngestLoop {
  /// Judges a batch, has Kafka keep what breaks the contract, and stores the rest; returns when all of that is done or
  /// the loop is to stop. In the latter case the store's offsets have not moved, and nothing is lost.
  func store(_ batch: ConsumedBatch, _ sifted: LogContinuity.Sifted) {
    let ends = sifted.ends.filter { end in end.value > store.nextOffset(of: end.key) ?? 0 }
    guard !sifted.runs.isEmpty || !ends.isEmpty else { return }
    var verdicts: [RecordJudge.Verdict] = []
    verdicts.reserveCapacity(batch.count)
    var letters: [DeadLetters.Letter] = []
    var reasons: [(partition: Int32, reason: String)] = []
    var intake: SourceIntake?
    retain()
    // Asked for once: a batch is judged by one state of the metadata.
    var policies = configuration.policies?()
    if policies?.keepsEverything ?? false { policies = nil }
    for run in sifted.runs where !run.isEmpty {
      // A run is of one partition.
      let next = store.nextOffset(of: batch[run.lowerBound].partition) ?? 0
      for index in run {
        let record = batch[index]
        let fields = judge.fields(of: record)
        var verdict = judge.judge(fields, policies)
        if record.offset >= next {
          verdict = judge.judge(numberOf: fields, of: record, verdict, &intake, store)
          if case .rejected(let error) = verdict { reject(record, error, &letters, &reasons) }
          if case .action = verdict, fields.isProved, fields.log != nil { noteProof(of: fields, record) }
        }
        verdicts.append(verdict)
      }
    }
    guard deliver(letters) else { return }
    guard let outcome = append(batch, sifted.runs, verdicts, ends, intake) else { return }
    for (_, reason) in reasons { metrics.rejected(reason: reason) }
    metrics.record(outcome)
    state.update { status in
      status.stored += UInt64(outcome.stored)
      status.expiredOnArrival += UInt64(outcome.expiredOnArrival)
      status.rejected += UInt64(outcome.rejected)
      status.duplicates += UInt64(outcome.duplicates)
      status.dropped += UInt64(outcome.dropped.values.reduce(0, +))
    }
  }

  private func reject(
    _ record: ConsumedRecord, _ error: AuditActionError, _ letters: inout [DeadLetters.Letter],
    _ reasons: inout [(partition: Int32, reason: String)]
  ) {
    faults.report(
      "rejected \(error.code.rawValue)", "A record breaks the contract and goes to the dead-letter topic",
      metadata: [
        "reason": "\(error.code.rawValue)", "partition": "\(record.partition)", "offset": "\(record.offset)",
      ])
    letters.append(DeadLetters.letter(for: record, error))
    reasons.append((record.partition, error.code.rawValue))
  }

  /// Tells of a proof that holds and cannot be passed on.
  private func noteProof(of fields: RecordFields, _ record: ConsumedRecord) {
    guard ActionSeal(fields) == nil else { return }
    metrics.unkeptProof()
    faults.report(
      "proof not kept",
      "An action is stored without its proof, of which a header is too long or no UTF-8: other nodes cannot check it",
      metadata: ["partition": "\(record.partition)", "offset": "\(record.offset)"])
  }

  /// False when the loop is to stop first.
  private func deliver(_ letters: [DeadLetters.Letter]) -> Bool {
    var unsent = letters
    var isPaused = false
    while !unsent.isEmpty {
      if isStopping { return false }
      let (remaining, failure) = deadLetters.send(unsent, timeout: .seconds(10))
      unsent = remaining
      guard let failure, !unsent.isEmpty else { break }
      isPaused = true
      pause("the dead-letter topic '\(configuration.deadLetterTopic)' does not take records: \(failure)")
    }
    if isPaused { resume() }
    return true
  }

  /// Nil when the loop is to stop first. A store that is full is waited for: nothing is polled, Kafka keeps what is not
  /// read, and expiry makes room.
  private func append(
    _ batch: ConsumedBatch, _ runs: [Range<Int>], _ verdicts: [RecordJudge.Verdict], _ ends: [Int32: Int64],
    _ intake: SourceIntake?
  ) -> AppendOutcome? {
    var isPaused = false
    while true {
      do {
        let outcome = try store.append { writer in fill(writer, batch, runs, verdicts, ends, intake) }
        if isPaused { resume() }
        return outcome
      } catch {
        // What is read again after a repair begins before this batch.
        if isStopping || store.isDamaged { return nil }
        isPaused = true
        if (error as? StoreError)?.isFull == true { wasFull = true }
        pause("the store takes no more: \(error)")
      }
    }
  }

  private func fill(
    _ writer: BatchWriter, _ batch: ConsumedBatch, _ runs: [Range<Int>], _ verdicts: [RecordJudge.Verdict],
    _ ends: [Int32: Int64], _ intake: SourceIntake?
  ) {
    var index = 0
    var marks = intake?.marks
    for record in runs.lazy.joined().map({ batch[$0] }) {
      let mark = marks?.take(partition: record.partition, offset: record.offset)
      switch verdicts[index] {
      case .action(let timeToLive, let eventHash):
        // Judged to have both a key and a value.
        if let key = record.key, let value = record.value {
          writer.add(
            partition: record.partition, offset: record.offset, key: key,
            timestampMilliseconds: record.timestamp.milliseconds, timeToLiveSeconds: timeToLive,
            eventHash: eventHash, body: value)
          if let mark { writer.number(mark, keyBytes: key.count, timeToLiveSeconds: timeToLive) }
        }
      case .rejected(let error):
        writer.reject(
          partition: record.partition, offset: record.offset, key: Self.validKey(of: record),
          reason: error.code.rawValue)
      case .duplicate:
        if let key = record.key {
          writer.skipDuplicate(partition: record.partition, offset: record.offset, key: key)
        }
      case .dropped(let reason):
        if let key = record.key {
          writer.drop(partition: record.partition, offset: record.offset, key: key, reason: reason)
        }
      }
      index += 1
    }
    for run in runs where !run.isEmpty {
      let last = batch[run.upperBound - 1]
      writer.remember(last.fingerprint, at: last.offset, of: last.partition)
    }
    for (partition, offset) in ends { writer.advance(partition: partition, to: offset) }
    writer.keepDrops()
    if let intake { writer.receive(intake) }
  }

  /// Nil for a record that names no queue.
  private static func validKey(of record: ConsumedRecord) -> UnsafeRawBufferPointer? {
    guard let key = record.key, (try? QueueAddress.validateKey(key)) != nil else { return nil }
    return key
  }

  /// Says why nothing is read, keeps the store expiring, and waits before the next try.
  private func pause(_ reason: String) {
    state.update { $0.pausedReason = reason }
    faults.report("paused", "Ingest is paused; Kafka keeps what is not read", metadata: ["reason": "\(reason)"])
    maintain()
    waitForRetry()
  }

  private func resume() {
    state.update { $0.pausedReason = nil }
    logger.notice("Ingest goes on")
  }
}
