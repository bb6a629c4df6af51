/// The member `audit` of a queue's metadata, read.
extension QueueAudit {
  private static let members = ["enabled", "ttl", "events", "retention"]

  /// - Parameter metadata: the whole document.
  /// - Throws: `invalid_metadata` with the JSON pointer of the member at fault.
  init(metadata: JSONTree) throws(AuditActionError) {
    self.init()
    guard let audit = metadata["audit"] else { return }
    guard case .object(let members) = audit else {
      throw Self.fault("audit is an object such as {\"enabled\":true}", at: "/audit")
    }
    for member in members {
      let pointer = JSONPointer(tokens: ["audit", member.name])
      switch member.name {
      case "enabled":
        guard let isEnabled = member.value.boolean else {
          throw Self.fault("audit.enabled is true or false", at: pointer.text)
        }
        enabled = isEnabled
      case "ttl":
        timeToLive = try Self.timeToLive(member.value, pointer)
      case "events":
        events = try Self.events(member.value, pointer)
      case "retention":
        retention = try Self.retention(member.value, pointer)
      default:
        let nearest = Spelling.nearest(to: member.name, in: Self.members).map { "; did you mean '\($0)'?" } ?? ""
        throw Self.fault(
          "audit has the members enabled, ttl, events and retention only\(nearest)", at: pointer.text)
      }
    }
  }

  private static func timeToLive(_ value: JSONTree, _ pointer: JSONPointer) throws(AuditActionError) -> TimeToLive {
    guard let seconds = value.integer, let exact = Int(exactly: seconds), let ttl = try? TimeToLive(seconds: exact)
    else {
      throw fault(
        "audit.ttl is a whole number of seconds, \(ActionLimits.timeToLiveSecondsMin) to "
          + "\(ActionLimits.timeToLiveSecondsMax)", at: pointer.text)
    }
    return ttl
  }

  private static func events(_ value: JSONTree, _ pointer: JSONPointer) throws(AuditActionError) -> Set<ActionType> {
    guard case .array(let elements) = value else {
      throw fault("audit.events is an array of event types such as [\"MessageDeleted\"]", at: pointer.text)
    }
    var events: Set<ActionType> = []
    for (index, element) in elements.enumerated() {
      let name = element.string ?? ""
      guard name.utf8.count >= 1, name.utf8.count <= ActionLimits.eventBytesMax,
        name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control && $0 != "\u{FFFD}" })
      else {
        throw fault(
          "an event type is a text of 1 to \(ActionLimits.eventBytesMax) bytes without control characters",
          at: pointer.appending(String(index)).text)
      }
      events.insert(ActionType(name))
    }
    return events
  }

  private static func retention(
    _ value: JSONTree, _ pointer: JSONPointer
  ) throws(AuditActionError) -> Retention? {
    let shape = "audit.retention is an object with count, bytes or both, such as {\"count\":10000}"
    guard case .object(let members) = value else { throw fault(shape, at: pointer.text) }
    var retention = Retention()
    for member in members {
      let place = pointer.appending(member.name)
      guard member.name == "count" || member.name == "bytes" else { throw fault(shape, at: place.text) }
      guard let number = member.value.integer.flatMap({ Int(exactly: $0) }), (1...Retention.max).contains(number) else {
        throw fault("audit.retention.\(member.name) is a whole number, 1 to \(Retention.max)", at: place.text)
      }
      if member.name == "count" { retention.count = number } else { retention.bytes = number }
    }
    // What a merge patch leaves that takes both away.
    return members.isEmpty ? nil : retention
  }

  private static func fault(_ detail: String, at pointer: String) -> AuditActionError {
    AuditActionError(.invalidMetadata, detail, parameter: pointer)
  }
}
