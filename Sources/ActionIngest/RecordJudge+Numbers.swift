import ActionProof
import ActionStore
import AuditActions
import Kafka

extension RecordJudge {
  /// What becomes of a record that may be proved, and numbered, by its source.
  ///
  /// The number of a record that breaks the contract counts as received all the same: it came, and is told as rejected.
  /// That of one whose proof fails does not: nobody knows whose it is, and the source's own is still to come.
  /// - Parameter intake: of the batch; begun by the first record that is numbered.
  func judge(
    numberOf fields: RecordFields, of record: ConsumedRecord, _ verdict: Verdict, _ intake: inout SourceIntake?,
    _ store: ActionStore
  ) -> Verdict {
    // What nobody has asked for is not a dead letter either.
    let isDropped = if case .dropped = verdict { true } else { false }
    if let fault = proof.fault(of: fields) { return isDropped ? verdict : .rejected(fault) }
    guard let log = fields.log, let key = fields.key, let address = try? QueueAddress(key: key)
    else { return verdict }
    do throws(AuditActionError) {
      let origin = try ActionOrigin(source: fields.source, log: log, sequence: fields.sequence)
      var numbers = intake ?? store.beginIntake()
      intake = nil
      defer { intake = numbers }
      // What is not stored needs none.
      let seal = if case .action = verdict { ActionSeal(fields) } else { nil as ActionSeal? }
      let contents = RecordContents(key: key, value: fields.value ?? UnsafeRawBufferPointer(start: nil, count: 0))
      switch numbers.judge(
        origin, project: address.project, queue: address.queue, contents: contents, partition: record.partition,
        offset: record.offset, seal: seal)
      {
      case .new: return verdict
      case .duplicate: return .duplicate
      case .conflict: return isDropped ? verdict : .rejected(.sequenceConflict)
      }
    } catch {
      if case .rejected = verdict { return verdict }
      return isDropped ? verdict : .rejected(error)
    }
  }
}

extension AuditActionError {
  fileprivate static let sequenceConflict = AuditActionError(
    .sequenceConflict,
    "another record of that source and log has this number; a source that lost its log must begin a new one",
    parameter: ActionOrigin.sequenceHeader)
}
