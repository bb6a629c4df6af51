package import AuditActions
import Kafka

/// An action that a source has numbered, on its way from one node to another: body, time and number stay what they are.
package struct NumberedRawAction: Sendable {
  package let action: RawAction
  package let queue: QueueAddress
  package let origin: ActionOrigin
  /// When it came into being; the record's timestamp, from which its time to live counts.
  package let time: ActionTime

  package init(action: RawAction, queue: QueueAddress, origin: ActionOrigin, time: ActionTime) {
    self.action = action
    self.queue = queue
    self.origin = origin
    self.time = time
  }
}

extension ActionEmitter {
  /// Emits actions that have numbers already and waits for all of them at once. One that fails does not stop the others.
  /// An emitter with a spool numbers what it is given itself, and refuses them.
  /// - Returns: the outcome of each, in the order given.
  package func emitAcknowledged(
    numbered actions: [NumberedRawAction]
  ) async -> [Result<EmittedPosition, EmitError>] {
    guard spool == nil else {
      let error = EmitError(
        .invalidConfiguration, "an emitter with a spool gives numbers itself",
        hint: "send numbered actions with an emitter that has none", isRetriable: false)
      return actions.map { _ in .failure(error) }
    }
    return await outcomes(actions.map { action in Result { () throws(EmitError) in try EmitRecord(action) } })
  }
}

extension EmitRecord {
  /// The id is made of project, log and number: sent twice, it is the same.
  /// - Throws: `too_large`, `invalid_action`.
  init(_ numbered: NumberedRawAction) throws(EmitError) {
    let origin = numbered.origin
    let record = try EmitRecord(
      numbered.action, to: numbered.queue, id: "\(numbered.queue.project)-\(origin.log)-\(origin.sequence)",
      headers: EmitHeaders(source: origin.source), time: numbered.time)
    var headers = record.headers
    var (sequence, log) = (String(origin.sequence), origin.log)
    sequence.withUTF8 { headers.append("ce_sequence", UnsafeRawBufferPointer($0)) }
    log.withUTF8 { headers.append("ce_logid", UnsafeRawBufferPointer($0)) }
    self.init(key: record.key, value: record.value, headers: headers)
    // Kafka takes 0 for now.
    timestampMilliseconds = max(1, numbered.time.millisecondsSince1970)
  }
}
