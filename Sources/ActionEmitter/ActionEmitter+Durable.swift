public import AuditActions
import Kafka

/// Where an action is durable.
public enum EmitDurability: String, Sendable, Hashable, CaseIterable {
  /// All in-sync replicas of its partition have it. How many those are is for the topic's `min.insync.replicas` to say.
  case kafka
  /// The emitter's spool has it, and the disk has said that it keeps it: Kafka may be away.
  case spool
}

/// What the work is given that had to wait for its record.
public enum DurableRecord: Sendable, Hashable {
  /// Kafka has the record, at this position.
  case kafka(EmittedPosition)
  /// The spool has the record, on disk.
  case spool(SpooledPosition)
  /// Nobody wants a record of it: auditing this is switched off, and the work may happen without.
  case notWanted(EmitSkip)
}

/// Emitting for work that must not happen without its audit record (fail-closed).
extension ActionEmitter {
  /// Does `work` once the record of it is durable, and only then.
  ///
  /// ```swift
  /// try await emitter.emitDurable(.messageDeleted(messageID: id), to: queue) { _ in
  ///   try await store.delete(id)
  /// }
  /// ```
  ///
  /// | what happens | the work | the record |
  /// | --- | --- | --- |
  /// | it is durable, as ``ActionEmitterConfiguration/durability`` asks | happens | is there |
  /// | nobody wants it (channels, queue) | happens, with ``DurableRecord/notWanted(_:)`` | is not there |
  /// | it is refused | does not happen | is not there |
  /// | the time runs out, the task is cancelled, Kafka or the disk fails | does not happen | may be there all the same: ``EmitError/mayHaveBeenWritten`` |
  /// | the work throws, or the process ends before or in it | not, or in part | is there |
  ///
  /// So a record says that something was about to be done. Work that fails after it is for the worker to report, by an
  /// action of its own.
  ///
  /// - Returns: what the work returns.
  /// - Throws: ``EmitError`` before the work: as ``emitAcknowledged(_:to:)-(Action,_)``, but for what nobody wants;
  ///   `invalid_configuration` where `acks` is set to less than all; and what the work throws.
  nonisolated(nonsending) public func emitDurable<Value>(
    _ action: Action, to queue: QueueAddress, then work: (DurableRecord) async throws -> Value
  ) async throws -> Value {
    try await work(try await durable { () throws(EmitError) in try record(action, queue) })
  }

  /// The same for a body that is JSON already; it is sent byte for byte.
  nonisolated(nonsending) public func emitDurable<Value>(
    raw action: RawAction, to queue: QueueAddress, then work: (DurableRecord) async throws -> Value
  ) async throws -> Value {
    try await work(try await durable { () throws(EmitError) in try record(action, queue) })
  }

  nonisolated(nonsending) private func durable(
    _ make: () throws(EmitError) -> EmitRecord
  ) async throws(EmitError) -> DurableRecord {
    let (kafka, spool) = (Awaited<EmittedPosition>(count: 1), Awaited<SpooledPosition>(count: 1))
    do throws(EmitError) {
      try configuration.checkDurability()
      switch configuration.durability {
      case .kafka: try send(try make()) { kafka.complete(0, $0) }
      case .spool: try send(try make(), onSync: { spool.complete(0, $0) })
      }
    } catch {
      note(error)
      guard let skip = error.skip else { throw error }
      return .notWanted(skip)
    }
    // What becomes of it from here on is counted by who delivers it.
    return switch configuration.durability {
    case .kafka: .kafka(try await outcome(of: kafka))
    case .spool: .spool(try await outcome(of: spool))
    }
  }

  nonisolated(nonsending) private func outcome<Value>(of wait: Awaited<Value>) async throws(EmitError) -> Value {
    guard let outcome = await wait.outcomes(within: deadlines).first else { throw .notAcknowledged }
    return try outcome.get()
  }
}

extension ActionEmitterConfiguration {
  /// - Throws: `invalid_configuration`.
  fileprivate func checkDurability() throws(EmitError) {
    guard durability == .kafka else { return }
    for property in ["acks", "request.required.acks"] {
      if let acks = kafka[property], acks != "all", acks != "-1" {
        throw .configuration("\(property) is \(acks): a record is durable when all in-sync replicas have it")
      }
    }
  }
}
