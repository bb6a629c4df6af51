public import AuditActions

/// Emitting for those who have to know that Kafka has the action, such as an HTTP handler before it answers 201.
extension ActionEmitter {
  /// Emits an action and waits until Kafka has it.
  /// - Returns: where it stands in the topic.
  /// - Throws: a refusal as of ``emit(_:to:)``; `kafka` when delivery failed; `not_acknowledged` after
  ///   ``ActionEmitterConfiguration/acknowledgementTimeout``; `cancelled`. After the last two, and wherever
  ///   ``EmitError/mayHaveBeenWritten`` says so, Kafka may have the action all the same.
  @discardableResult
  public func emitAcknowledged(
    _ action: Action, to queue: QueueAddress
  ) async throws(EmitError) -> EmittedPosition {
    try await outcome { () throws(EmitError) in try record(action, queue) }
  }

  /// The same for a body that is JSON already; it is sent byte for byte.
  @discardableResult
  public func emitAcknowledged(
    raw action: RawAction, to queue: QueueAddress
  ) async throws(EmitError) -> EmittedPosition {
    try await outcome { () throws(EmitError) in try record(action, queue) }
  }

  /// Emits several actions of one queue and waits for all of them at once. One that fails does not stop the others.
  /// - Returns: the outcome of each, in the order given.
  public func emitAcknowledged(
    _ actions: [Action], to queue: QueueAddress
  ) async -> [Result<EmittedPosition, EmitError>] {
    await outcomes(
      actions.map { action in Result { () throws(EmitError) in try record(action, queue) } })
  }

  /// The same for bodies that are JSON already.
  public func emitAcknowledged(
    raw actions: [RawAction], to queue: QueueAddress
  ) async -> [Result<EmittedPosition, EmitError>] {
    await outcomes(
      actions.map { action in Result { () throws(EmitError) in try record(action, queue) } })
  }

  func outcomes(_ records: [Result<EmitRecord, EmitError>]) async -> [Acknowledgements.Outcome] {
    let acknowledgements = Acknowledgements(count: records.count)
    for (index, record) in records.enumerated() {
      do throws(EmitError) {
        try send(try record.get()) { acknowledgements.complete(index, $0) }
      } catch {
        note(error)
        acknowledgements.complete(index, .failure(error))
      }
    }
    return await acknowledgements.outcomes(within: deadlines)
  }

  private func outcome(_ make: () throws(EmitError) -> EmitRecord) async throws(EmitError) -> EmittedPosition {
    let acknowledgement = Acknowledgements(count: 1)
    do throws(EmitError) {
      try send(try make()) { acknowledgement.complete(0, $0) }
    } catch {
      note(error)
      throw error
    }
    guard let outcome = await acknowledgement.outcomes(within: deadlines).first else {
      throw .notAcknowledged  // one in, one out: not reached
    }
    return try outcome.get()
  }
}
