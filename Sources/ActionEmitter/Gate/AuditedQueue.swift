public import AuditActions

/// A queue as a worker sees it that reports on it: to be kept for as long as the worker works on the queue.
///
/// ```swift
/// let orders = emitter.queue(try QueueAddress(project: "demo", queue: "orders"))
/// orders.emit(.claimExpired) { ["claim_id": .string(claim.id)] }
/// ```
///
/// The closure runs only when somebody wants the event: see ``ActionEmitter/setChannels(_:)`` and
/// ``ActionEmitterConfiguration/queuesTopic``. When nobody does, `emit` costs about 40 instructions in a release build,
/// without a lock, a look-up or memory. May be used from any thread; a copy is the same queue.
public struct AuditedQueue: Sendable {
  public let address: QueueAddress
  let emitter: ActionEmitter
  @usableFromInline let gate: QueueGate

  init(_ address: QueueAddress, of emitter: ActionEmitter) {
    self.address = address
    self.emitter = emitter
    gate = emitter.gate.gate(of: address)
  }

  /// Whether somebody wants an event of this kind now. To be asked where the event's details are worth preparing; `emit`
  /// asks by itself.
  @inlinable
  public func wants(_ kind: EventKind) -> Bool {
    gate.wants(kind) || (kind.number == EventKind.numberedMax && wantsByName(kind))
  }

  /// Emits an event with the details that the closure makes, if somebody wants it.
  ///
  /// Otherwise as ``ActionEmitter/emit(_:to:)``: never blocks, and a refusal is counted. What the closure throws comes
  /// out here; then nothing was emitted, and nothing is counted.
  @inlinable @discardableResult
  public func emit(_ kind: EventKind, _ details: () throws -> JSONText) rethrows -> EmitOutcome {
    guard wants(kind) else { return notWanted(kind) }
    return emitWanted(kind, try details())
  }

  /// ``emit(_:_:)`` for those who have more to say than details.
  ///
  /// An action of another type than the kind that was asked for is refused (`invalid_action`).
  @inlinable @discardableResult
  public func emitAction(_ kind: EventKind, _ action: () throws -> Action) rethrows -> EmitOutcome {
    guard wants(kind) else { return notWanted(kind) }
    return emitWanted(kind, try action())
  }

  /// ``emit(_:_:)`` that waits while the bounds are reached, as ``ActionEmitter/emitWhenRoom(_:to:)-(Action,_)`` does.
  @discardableResult
  nonisolated(nonsending) public func emitWhenRoom(
    _ kind: EventKind, _ details: () throws -> JSONText
  ) async rethrows -> EmitOutcome {
    guard wants(kind) else { return notWanted(kind) }
    let action = Action(type: kind.type, details: try details())
    return await emitter.outcomeWhenRoom { () throws(EmitError) in try emitter.admittedRecord(action, address) }
  }

  // MARK: What is not compiled into whoever emits

  @usableFromInline
  func wantsByName(_ kind: EventKind) -> Bool {
    do throws(EmitError) {
      try emitter.gate.admit(kind.type, to: address)
      return true
    } catch {
      return false
    }
  }

  @usableFromInline
  func emitWanted(_ kind: EventKind, _ details: JSONText) -> EmitOutcome {
    emitter.emitAdmitted(Action(type: kind.type, details: details), to: address)
  }

  @usableFromInline
  func emitWanted(_ kind: EventKind, _ action: Action) -> EmitOutcome {
    guard action.type == kind.type else { return emitter.refuse(.otherType) }
    return emitter.emitAdmitted(action, to: address)
  }

  /// What an event gets that is not wanted: it is counted, or refused where only known types are taken.
  @inlinable
  func notWanted(_ kind: EventKind) -> EmitOutcome {
    if let reason = gate.skip(kind.number) { .skipped(reason) } else { notWantedByName(kind) }
  }

  @usableFromInline
  func notWantedByName(_ kind: EventKind) -> EmitOutcome {
    if let error = emitter.gate.unknown(kind.type) { return emitter.refuse(error) }
    let reason = emitter.gate.reason(against: kind.type)
    gate.countSkip(reason)
    return .skipped(reason)
  }
}

extension EmitError {
  static let otherType = EmitError(
    AuditActionError(
      .invalidEvent, "the action is not of the kind that was asked for; emit it under its own", parameter: "event"))
}
