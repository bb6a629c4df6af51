import AuditActions
import Kafka
import Logging

/// How an action becomes a record and gets on its way.
extension ActionEmitter {
  typealias Delivery = @Sendable (Acknowledgements.Outcome) -> Void

  /// - Throws: `not_wanted`, `unknown_event`, `too_large`, `invalid_action`.
  func record(_ action: Action, _ queue: QueueAddress) throws(EmitError) -> EmitRecord {
    try gate.admit(action.type, to: queue)
    return try admittedRecord(action, queue)
  }

  /// - Throws: `too_large`, `invalid_action`.
  func admittedRecord(_ action: Action, _ queue: QueueAddress) throws(EmitError) -> EmitRecord {
    try gate.checkDetails(of: action)
    var action = action
    action.clientID = action.clientID ?? configuration.clientID
    action.userAgent = action.userAgent ?? configuration.userAgent
    action.version = action.version ?? configuration.version
    return try sealed(EmitRecord(action, to: queue, id: identity.next(), headers: headers))
  }

  /// - Throws: `not_wanted`, `unknown_event`, `too_large`, `invalid_action`.
  func record(_ action: RawAction, _ queue: QueueAddress) throws(EmitError) -> EmitRecord {
    if !gate.isOpen {
      let type = try EmitRecord.type(of: action)
      try gate.admit(type, to: queue)
      try gate.checkDetails(of: action, type)
    }
    return try sealed(EmitRecord(action, to: queue, id: identity.next(), headers: headers))
  }

  private func sealed(_ record: EmitRecord) throws(EmitError) -> EmitRecord {
    guard let seal else { return record }
    return try record.sealed(by: seal)
  }

  /// Hands a record to the spool, or else to Kafka's client.
  /// - Parameters:
  ///   - onDelivery: called once with what became of it, on a thread it must not hold up; never when this throws.
  ///   - onSync: called once when the disk has it; of use with a spool only.
  /// - Throws: `queue_full`, `spool_full`, `spool`, `closed`, `kafka`.
  func send(_ record: EmitRecord, onDelivery: Delivery? = nil, onSync: Spool.Sync? = nil) throws(EmitError) {
    if let spooling {
      try spooling.spool.append(record, onDelivery: onDelivery, onSync: onSync)
      tally.countEmitted()
      return
    }
    if let backlog {
      let dropped = try backlog.append(Backlog.Entry(record: record, onDelivery: onDelivery))
      tally.countEmitted()
      for entry in dropped { ledger.giveUp(entry, .droppedOldest) }
      return
    }
    let byteCount = record.byteCount
    try window.reserve(bytes: byteCount)
    do throws(KafkaError) {
      try producers.current.send(
        topic: configuration.topic, key: record.key, value: record.value, packedHeaders: record.headers,
        timestampMilliseconds: record.timestampMilliseconds
      ) { [ledger] result in ledger.settle(result, byteCount: byteCount, onDelivery) }
    } catch {
      window.release(bytes: byteCount)
      producers.replaceIfFatal()
      throw EmitError(refusal: error)
    }
    tally.countEmitted()
  }

  /// An action that the gate has let in.
  func emitAdmitted(_ action: Action, to queue: QueueAddress) -> EmitOutcome {
    outcome { () throws(EmitError) in try send(try admittedRecord(action, queue)) }
  }

  /// The outcome of an action that was not let in, counted.
  func refuse(_ error: EmitError) -> EmitOutcome {
    note(error)
    return EmitOutcome(refusal: error)
  }

  /// Counts and logs a refusal; what nobody wants is counted only.
  func note(_ refusal: EmitError) {
    if let skip = refusal.skip {
      gate.countSkip(skip)
      return skipReports.begin()
    }
    tally.countRefused(refusal.reason)
    refusals.report("an action was refused", refusal)
  }

  func outcome(_ send: () throws(EmitError) -> Void) -> EmitOutcome {
    do throws(EmitError) {
      try send()
      return .accepted
    } catch {
      return refuse(error)
    }
  }

  nonisolated(nonsending) func outcomeWhenRoom(
    within timeout: Duration? = nil, _ make: () throws(EmitError) -> EmitRecord
  ) async -> EmitOutcome {
    let record: EmitRecord
    do throws(EmitError) {
      record = try make()
    } catch {
      return refuse(error)
    }
    var deadline: ContinuousClock.Instant?
    while true {
      do throws(EmitError) {
        try send(record)
        return .accepted
      } catch {
        let isFull = error.reason == .queueFull || error.reason == .spoolFull
        guard isFull, !Task.isCancelled else {
          let refusal = isFull ? .cancelledBeforeSending : error
          return refuse(refusal)
        }
        guard let timeout else {
          await room(forBytes: record.byteCount)
          continue
        }
        let end = deadline ?? .now + timeout
        deadline = end
        guard .now < end else {
          return refuse(error)
        }
        await room(forBytes: record.byteCount, until: end)
      }
    }
  }

  nonisolated(nonsending) private func room(forBytes byteCount: Int) async {
    if let spooling { await spooling.spool.room() } else { await window.room(forBytes: byteCount) }
  }

  nonisolated(nonsending) private func room(forBytes byteCount: Int, until end: ContinuousClock.Instant) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.room(forBytes: byteCount) }
      group.addTask { try? await Task.sleep(until: end, clock: .continuous) }
      await group.next()
      group.cancelAll()
    }
  }
}

extension Backlog {
  /// One that gives what it holds to the emitter's producer.
  convenience init(_ configuration: ActionEmitterConfiguration, _ ledger: DeliveryLedger) {
    let topic = configuration.topic
    self.init(actionsMax: configuration.outstandingActionsMax, bytesMax: configuration.outstandingBytesMax) {
      entry, backlog in
      let (record, bytes) = (entry.record, entry.record.byteCount)
      guard let producers = ledger.producers else {
        ledger.giveUp(entry, .closedBeforeSending)
        return backlog.release(bytes: bytes)
      }
      do throws(KafkaError) {
        try producers.current.send(
          topic: topic, key: record.key, value: record.value, packedHeaders: record.headers,
          timestampMilliseconds: record.timestampMilliseconds
        ) {
          result in
          ledger.settle(result, byteCount: bytes, entry.onDelivery)
          backlog.release(bytes: bytes)
        }
      } catch {
        ledger.giveUp(entry, EmitError(refusal: error))
        producers.replaceIfFatal()
        backlog.release(bytes: bytes)
      }
    }
  }
}
