import ActionProof
import AuditActions
import Kafka

/// Holds a record against the contract of the topic.
struct RecordJudge {
  let defaultTimeToLiveSeconds: Int32
  let proof: RecordProof

  enum Verdict {
    case action(timeToLiveSeconds: Int32, eventHash: UInt32)
    case rejected(AuditActionError)
    /// Its sequence number was received before.
    case duplicate
  }

  /// What is looked at, in one pass over the headers.
  func fields(of record: ConsumedRecord) -> RecordFields {
    var fields = RecordFields(key: record.key, value: record.value)
    record.forEachHeader { fields.set($0, to: $1) }
    return fields
  }

  func judge(_ record: RecordFields) -> Verdict {
    do throws(AuditActionError) {
      guard let key = record.key else { throw .missingKey }
      try QueueAddress.validateKey(key)
      guard let value = record.value else { throw .tombstone }
      let timeToLive =
        if let header = record.timeToLive {
          try ActionRecord.parseTimeToLive(header)
        } else {
          defaultTimeToLiveSeconds
        }
      let body = try ActionBody.validate(value)
      return .action(timeToLiveSeconds: timeToLive, eventHash: body.eventHash(in: value))
    } catch {
      return .rejected(error)
    }
  }
}
