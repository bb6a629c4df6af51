import ActionIngest
import ActionProof
import ActionStore
import AuditActions

/// What ingest does with a batch while the metadata of queues is in force: each record is judged by its queue's, and is
/// stored or counted as not wanted.
enum PoliciesWork {
  static let timeToLiveSeconds: Int32 = 3_600

  static func run(count: Int) throws {
    let (keys, body) = (IngestWork.keys, PageWork.body)
    let policies = try policies()
    let judge = RecordJudge(defaultTimeToLiveSeconds: timeToLiveSeconds, proof: RecordProof())
    try IngestWork.withStore { store in
      for number in 0..<count {
        _ = try store.append { batch in
          for offset in (number * IngestWork.batchRecords)..<((number + 1) * IngestWork.batchRecords) {
            try body.withUnsafeBytes { body in
              try keys[offset % keys.count].withUnsafeBytes { key in
                switch judge.judge(RecordFields(key: key, value: body), policies) {
                case .action(let timeToLive, let event):
                  batch.add(
                    partition: 0, offset: Int64(offset), key: key, timestampMilliseconds: nil,
                    timeToLiveSeconds: timeToLive, eventHash: event, body: body)
                case .dropped(let reason): batch.drop(partition: 0, offset: Int64(offset), key: key, reason: reason)
                case .rejected(let error): throw error
                case .duplicate: break
                }
              }
            }
          }
          batch.keepDrops()
        }
      }
      let dropped = store.balance().dropped
      let tenth = UInt64(count * IngestWork.batchRecords / 10)
      guard dropped[.notAudited] == tenth, dropped[.eventNotAudited] == tenth
      else { throw InstructionsFailure("the batches were not judged as they should be: \(dropped)") }
    }
  }

  /// Of ten queues that get records six have a time to live, two an allow list (which one of them has the records'
  /// type in), one is off, and one has no metadata. A thousand others have some too.
  private static func policies() throws -> QueuePolicies {
    var policies = QueuePolicies(default: .all)
    let timeToLive = try TimeToLive(seconds: Int(timeToLiveSeconds))
    for number in 0..<IngestWork.queueCount {
      let audit: QueueAudit? =
        switch number % 10 {
        case 0: nil
        case 1: QueueAudit(enabled: false)
        case 2: QueueAudit(enabled: true, events: ["MessageDeleted", "ClaimExpired", "ClaimReleased"])
        case 3: QueueAudit(enabled: true, events: ["MessageDeleted"])
        default: QueueAudit(enabled: true, timeToLive: timeToLive)
        }
      policies.set(audit, of: try QueueAddress(project: "bench", queue: "queue-\(number)"))
    }
    for number in 0..<1_000 {
      policies.set(
        QueueAudit(enabled: true, timeToLive: timeToLive),
        of: try QueueAddress(project: "others", queue: "queue-\(number)"))
    }
    return policies
  }
}
