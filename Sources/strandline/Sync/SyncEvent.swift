import AuditActions

/// What became of what one side lacked of a log.
struct SyncTransfer: Sendable {
  /// Most refusals that are told one by one.
  static let refusalsMax = 100

  var log: SyncLog
  var direction: SyncDirection
  /// What was lacking.
  var wanted: SequenceRanges
  /// What was asked for to its end.
  var asked = SequenceRanges()
  var accepted = SequenceRanges()
  var present = SequenceRanges()
  /// What the side that had received it can no longer give: it has expired, was not an action, or was lost.
  var gone = SequenceRanges()
  var refused: [SyncAnswer.Refusal] = []
  var refusedCount = 0
  /// What ended it early.
  var fault: String?

  var isWhole: Bool { fault == nil && refusedCount == 0 }

  mutating func take(_ answer: SyncAnswer) {
    accepted = accepted.union(answer.accepted)
    present = present.union(answer.present)
    refusedCount += answer.refused.count
    refused += answer.refused.prefix(max(0, Self.refusalsMax - refused.count))
  }
}

/// What a run has to tell.
enum SyncEvent: Sendable {
  case transferred(SyncTransfer)
  case compared(SyncComparison)
  case raised(SyncLog, SyncDirection, Int64)
  case failed(SyncLog, String)

  /// Whether nothing is left to be done, or to be looked at, after it.
  var isWhole: Bool {
    switch self {
    case .transferred(let transfer): transfer.isWhole
    case .compared(let comparison): comparison.isWhole
    case .raised: true
    case .failed: false
    }
  }

  var json: JSONValue {
    switch self {
    case .transferred(let transfer): transfer.json
    case .compared(let comparison): comparison.json
    case .raised(let log, let direction, let lowest):
      .object(log.members + [("direction", .string(direction.rawValue)), ("lowest", .integer(lowest))])
    case .failed(let log, let detail): .object(log.members + [("error", .string(Terminal.harmless(detail)))])
    }
  }

  var text: String {
    switch self {
    case .transferred(let transfer): transfer.text
    case .compared(let comparison): comparison.text
    case .raised(let log, let direction, let lowest): "\(log.text): \(direction.rawValue) lowest \(lowest)"
    case .failed(let log, let detail): "\(log.text): failed: \(Terminal.harmless(detail))"
    }
  }
}

extension SyncTransfer {
  fileprivate var json: JSONValue {
    var members: [(String, JSONValue)] =
      log.members + [
        ("direction", .string(direction.rawValue)), ("accepted", .string(accepted.description)),
        ("acceptedCount", .integer(accepted.count)), ("present", .string(present.description)),
        ("gone", .string(gone.description)), ("refusedCount", .integer(refusedCount)),
        (
          "refused",
          .array(
            refused.map { refusal in
              var members: [(String, JSONValue)] = [
                ("sequence", refusal.sequence.map { .integer($0) } ?? .null), ("status", .integer(refusal.status)),
                ("detail", .string(Terminal.harmless(refusal.detail))),
              ]
              if let conflict = refusal.conflict {
                members += [("sent", .digest(conflict.first)), ("stored", .digest(conflict.second))]
              }
              return .object(members)
            })
        ),
      ]
    if let fault { members.append(("error", .string(Terminal.harmless(fault)))) }
    return .object(members)
  }

  fileprivate var text: String {
    var parts = ["\(accepted.count) sent"]
    if !present.isEmpty { parts.append("\(present.count) there already") }
    if !gone.isEmpty { parts.append("\(gone.count) gone") }
    if refusedCount > 0 {
      let first = refused.first.map { refusal in (refusal.sequence.map { "\($0): " } ?? "") + refusal.detail }
      parts.append("\(refusedCount) refused (\(first ?? ""))")
    }
    if let fault { parts.append("then failed: \(fault)") }
    return Terminal.harmless("\(log.text): \(direction.rawValue) " + parts.joined(separator: ", "))
  }
}

extension SyncComparison {
  fileprivate var json: JSONValue {
    var members: [(String, JSONValue)] =
      log.members + [
        ("compared", .integer(Int64(compared))), ("conflictCount", .integer(Int64(conflictCount))),
        (
          "conflicts",
          .array(
            conflicts.map { conflict in
              var members: [(String, JSONValue)] = [
                ("sequence", .integer(conflict.sequence)), ("first", .digest(conflict.first)),
                ("second", .digest(conflict.second)),
              ]
              if !conflict.queues.isEmpty {
                members.append(("queues", .array(conflict.queues.map { .string(Terminal.harmless($0)) })))
              }
              return .object(members)
            })
        ),
      ]
    if let fault { members.append(("error", .string(Terminal.harmless(fault)))) }
    return .object(members)
  }

  fileprivate var text: String {
    var text = "\(log.text): \(compared) compared"
    if conflictCount > 0 {
      var numbers = SequenceRanges()
      for conflict in conflicts { numbers.insert(conflict.sequence) }
      text += ", \(conflictCount) in conflict: other content under the same number (\(numbers)"
      text += conflictCount > conflicts.count ? ", …)" : ")"
    }
    if let fault { text += ", then failed: \(fault)" }
    return Terminal.harmless(text)
  }
}

extension JSONValue {
  /// As it came from a node, nothing of which reaches a terminal as it is.
  fileprivate static func digest(_ digest: String?) -> JSONValue {
    digest.map { .string(Terminal.harmless($0)) } ?? .null
  }
}

extension SyncLog {
  fileprivate var members: [(String, JSONValue)] {
    [("project", .string(project)), ("source", .string(source)), ("log", .string(log))]
  }

  fileprivate var text: String { Terminal.harmless("\(source) \(log)") }
}
