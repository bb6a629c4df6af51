import AuditActions
import Kafka

/// Holds a record against the contract of the topic.
struct RecordJudge {
  let defaultTimeToLiveSeconds: Int32

  enum Verdict {
    case action(timeToLiveSeconds: Int32, eventHash: UInt32)
    case rejected(AuditActionError)
    /// Its sequence number was received before.
    case duplicate
    /// Its queue does not want it.
    case dropped(DropReason)
  }

  /// - Parameter policies: nil: every action is kept.
  func judge(_ record: ConsumedRecord, _ policies: QueuePolicies?) -> Verdict {
    do throws(AuditActionError) {
      guard let key = record.key else { throw .missingKey }
      try QueueAddress.validateKey(key)
      var policy: QueuePolicies.Policy?
      if let policies {
        let found = policies.policy(of: key)
        // Whatever it is: nobody has asked for it.
        guard found.isAudited else { return .dropped(.notAudited) }
        policy = found
      }
      guard let value = record.value else { throw .tombstone }
      let timeToLive =
        if let header = record.header(named: "ttl") {
          try ActionRecord.parseTimeToLive(header)
        } else if let policy, policy.timeToLiveSeconds > 0 {
          policy.timeToLiveSeconds
        } else {
          defaultTimeToLiveSeconds
        }
      let body = try ActionBody.validate(value)
      let eventHash = body.eventHash(in: value)
      if let policies, let policy, policy.hasAllowList, !policies.allows(body, in: value, hash: eventHash, policy) {
        return .dropped(.eventNotAudited)
      }
      return .action(timeToLiveSeconds: timeToLive, eventHash: eventHash)
    } catch {
      return .rejected(error)
    }
  }
}
