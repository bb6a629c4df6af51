package import ActionProof
package import AuditActions
import Kafka

/// An action that a source has numbered, on its way from one node to another: body, time and number stay what they are.
package struct NumberedRawAction: Sendable {
  package let action: RawAction
  package let queue: QueueAddress
  package let origin: ActionOrigin
  /// When it came into being; the record's timestamp, from which its time to live counts.
  package let time: ActionTime
  /// What its source gave it to prove it by: the record gets these headers, text by text, and none in place of one that
  /// is not there.
  package let seal: ActionSeal?

  package init(
    action: RawAction, queue: QueueAddress, origin: ActionOrigin, time: ActionTime, seal: ActionSeal? = nil
  ) {
    self.action = action
    self.queue = queue
    self.origin = origin
    self.time = time
    self.seal = seal
  }

  /// When its source says it came into being, if that is proved.
  var provedTime: ActionTime? { seal?[.time].flatMap { try? ActionTime(rfc3339: $0) } }

  /// Why a feed that holds records so would make a dead letter of it; nil when it takes it. What cannot be emitted at all
  /// is not looked at.
  package func fault(under proof: RecordProof) -> AuditActionError? {
    if proof.required == .none, seal == nil { return nil }
    return (try? EmitRecord(self))?.fault(under: proof)
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
  /// Without a proof the id is made of project, log and number: sent twice, it is the same. With one, id, time and time
  /// to live are the texts that are proved.
  /// - Throws: `too_large`, `invalid_action`.
  init(_ numbered: NumberedRawAction) throws(EmitError) {
    let origin = numbered.origin
    let record =
      if let seal = numbered.seal {
        try EmitRecord(numbered.action, to: numbered.queue) { Self.headers(type: $0, source: origin.source, seal) }
      } else {
        try EmitRecord(
          numbered.action, to: numbered.queue, id: "\(numbered.queue.project)-\(origin.log)-\(origin.sequence)",
          headers: EmitHeaders(source: origin.source), time: numbered.time)
      }
    var headers = record.headers
    var (sequence, log) = (String(origin.sequence), origin.log)
    sequence.withUTF8 { headers.append("ce_sequence", UnsafeRawBufferPointer($0)) }
    log.withUTF8 { headers.append("ce_logid", UnsafeRawBufferPointer($0)) }
    self.init(key: record.key, value: record.value, headers: headers)
    // What its source has proved it was not before: else anybody could have it expire at once by an older time, and its
    // number count as received. Kafka takes 0 for now.
    timestampMilliseconds = max(1, numbered.time.millisecondsSince1970, numbered.provedTime?.millisecondsSince1970 ?? 1)
  }

  private static func headers(
    type: UnsafeRawBufferPointer, source: String, _ seal: ActionSeal
  ) -> PackedHeaders {
    var headers = PackedHeaders(capacity: 512)
    // What is not proved is said anew; of what is, what was there.
    ActionRecord.forEachCommonHeader(source: source) { headers.append($0, $1) }
    ActionRecord.forEachHeader(
      id: "", type: type, time: ActionTime(nanosecondsSince1970: 0), timeToLiveSeconds: nil
    ) { name, value in
      let isProved = ActionSeal.Part.allCases.contains { "\($0.header)" == "\(name)" }
      if !isProved { headers.append(name, value) }
    }
    for part in ActionSeal.Part.allCases {
      guard var text = seal[part] else { continue }
      text.withUTF8 { headers.append(part.header, UnsafeRawBufferPointer($0)) }
    }
    return headers
  }
}
