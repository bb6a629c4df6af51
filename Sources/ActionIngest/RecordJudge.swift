package import ActionProof
package import AuditActions
import Kafka

/// Holds a record against the contract of the topic.
package struct RecordJudge {
  let defaultTimeToLiveSeconds: Int32
  let proof: RecordProof

  /// - Parameter defaultTimeToLiveSeconds: of records that name none, of queues that name none.
  package init(defaultTimeToLiveSeconds: Int32, proof: RecordProof) {
    self.defaultTimeToLiveSeconds = defaultTimeToLiveSeconds
    self.proof = proof
  }

  package enum Verdict {
    case action(timeToLiveSeconds: Int32, eventHash: UInt32)
    case rejected(AuditActionError)
    /// Its sequence number was received before.
    case duplicate
    /// Its queue does not want it.
    case dropped(DropReason)
  }

  /// What is looked at, in one pass over the headers.
  func fields(of record: ConsumedRecord) -> RecordFields {
    var fields = RecordFields(key: record.key, value: record.value)
    record.forEachHeader { fields.set($0, to: $1) }
    return fields
  }

  /// - Parameter policies: nil: every action is kept.
  package func judge(_ record: RecordFields, _ policies: QueuePolicies?) -> Verdict {
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
        if let header = record.timeToLive {
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
