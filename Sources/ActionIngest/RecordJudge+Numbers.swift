import ActionStore
import AuditActions
import Kafka

extension RecordJudge {
  /// What becomes of a record that may be numbered by its source.
  ///
  /// The number of a record that breaks the contract counts as received all the same: it came, and is told as rejected.
  /// - Parameter intake: of the batch; begun by the first record that is numbered.
  func judge(
    numberOf record: ConsumedRecord, _ verdict: Verdict, _ intake: inout SourceIntake?, _ store: ActionStore
  ) -> Verdict {
    guard let log = record.header(named: ActionOrigin.logHeader), let key = record.key,
      let address = try? QueueAddress(key: key)
    else { return verdict }
    do throws(AuditActionError) {
      let origin = try ActionOrigin(
        source: record.header(named: ActionOrigin.sourceHeader), log: log,
        sequence: record.header(named: ActionOrigin.sequenceHeader))
      var numbers = intake ?? store.beginIntake()
      intake = nil
      defer { intake = numbers }
      let contents = RecordContents(key: key, value: record.value ?? UnsafeRawBufferPointer(start: nil, count: 0))
      switch numbers.judge(
        origin, project: address.project, contents: contents, partition: record.partition, offset: record.offset)
      {
      case .new: return verdict
      case .duplicate: return .duplicate
      case .conflict: return .rejected(.sequenceConflict)
      }
    } catch {
      if case .rejected = verdict { return verdict }
      return .rejected(error)
    }
  }
}

extension AuditActionError {
  fileprivate static let sequenceConflict = AuditActionError(
    .sequenceConflict,
    "another record of that source and log has this number; a source that lost its log must begin a new one",
    parameter: ActionOrigin.sequenceHeader)
}
