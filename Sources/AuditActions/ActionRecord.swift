/// The record contract with every producer and consumer: how an action becomes a Kafka record's value and headers.
///
/// The key is ``QueueAddress/key``. Source of the header names: CloudEvents 1.0, Kafka protocol binding, binary mode.
public enum ActionRecord {
  /// The record's value: compact JSON with the members `event`, `details`, `user`, and, where set, `message`,
  /// `version`, `topic`; last `time`.
  ///
  /// The details keep every byte they were given with. Only when the action names a client id or user agent do
  /// `client_id` and `user_agent` follow their members (where Zaqar's feed has them), unless they are there already.
  ///
  /// The result is as valid as its parts; ``ActionBody/validate(_:)`` says whether it keeps the limits.
  public static func encode(_ action: Action) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(192 + action.details.bytes.count)
    bytes.append(0x7B)
    JSONWriter.appendName("event", isFirst: true, to: &bytes)
    JSONWriter.append(action.type.rawValue, to: &bytes)
    JSONWriter.appendName("details", to: &bytes)
    appendDetails(of: action, to: &bytes)
    JSONWriter.appendName("user", to: &bytes)
    bytes.append(0x7B)
    JSONWriter.appendName("username", isFirst: true, to: &bytes)
    JSONWriter.append(action.user.username, to: &bytes)
    JSONWriter.appendName("authenticationProvider", to: &bytes)
    JSONWriter.append(action.user.authenticationProvider, to: &bytes)
    bytes.append(0x7D)
    if let message = action.message {
      JSONWriter.appendName("message", to: &bytes)
      JSONWriter.append(message, to: &bytes)
    }
    if let version = action.version {
      JSONWriter.appendName("version", to: &bytes)
      JSONWriter.append(version, to: &bytes)
    }
    if let topic = action.topic {
      JSONWriter.appendName("topic", to: &bytes)
      JSONWriter.append(topic.text, to: &bytes)
    }
    JSONWriter.appendName("time", to: &bytes)
    bytes.append(0x22)
    action.time.withRFC3339UTF8 { bytes.append(contentsOf: $0) }
    bytes.append(0x22)
    bytes.append(0x7D)
    return bytes
  }

  /// The record's headers: `ce_specversion`, `ce_source`, `content-type`, `ce_id`, `ce_type`, `ce_time`, and `ttl`
  /// where the action names one.
  /// - Parameters:
  ///   - id: unique within `source`.
  ///   - source: a URI reference that names the emitter.
  public static func headers(for action: Action, id: String, source: String) -> [(String, [UInt8])] {
    var headers: [(String, [UInt8])] = []
    func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) { headers.append(("\(name)", Array(value))) }
    forEachCommonHeader(source: source, add)
    var type = action.type.rawValue
    type.withUTF8 { type in
      forEachHeader(
        id: id, type: UnsafeRawBufferPointer(type), time: action.time,
        timeToLiveSeconds: action.timeToLive?.seconds, add)
    }
    return headers
  }

  /// Calls `visit` with each header that all records of a source have alike, its value valid inside the call.
  package static func forEachCommonHeader(
    source: String, _ visit: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    visitText("ce_specversion", "1.0", visit)
    visitText("ce_source", source, visit)
    visitText("content-type", "application/json", visit)
  }

  /// The same with those that are each record's own.
  package static func forEachHeader(
    id: String, type: UnsafeRawBufferPointer, time: ActionTime, timeToLiveSeconds: Int32?,
    _ visit: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    visitText("ce_id", id, visit)
    visit("ce_type", type)
    time.withRFC3339UTF8 { visit("ce_time", $0) }
    if let timeToLiveSeconds { visitText("ttl", String(timeToLiveSeconds), visit) }
  }

  private static func visitText(
    _ name: StaticString, _ text: String, _ visit: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    var text = text
    text.withUTF8 { visit(name, UnsafeRawBufferPointer($0)) }
  }

  /// Reads the header `ttl`: decimal digits, 1…1,209,600 seconds.
  /// - Throws: `invalid_ttl`.
  public static func parseTimeToLive(_ bytes: UnsafeRawBufferPointer) throws(AuditActionError) -> Int32 {
    // Ten digits at most: leading zeros are no reason to read a header of any length.
    guard bytes.count <= 10, let digits = DecimalText.digits(bytes), let seconds = Int32(exactly: digits),
      seconds >= ActionLimits.timeToLiveSecondsMin, seconds <= ActionLimits.timeToLiveSecondsMax
    else { throw .timeToLive }
    return seconds
  }

  private static func appendDetails(of action: Action, to bytes: inout [UInt8]) {
    let details = action.details.bytes
    var additions: [(name: StaticString, value: String)] = []
    if action.clientID != nil || action.userAgent != nil {
      let names = action.details.memberNames
      if let clientID = action.clientID, !names.contains("client_id") { additions.append(("client_id", clientID)) }
      if let userAgent = action.userAgent, !names.contains("user_agent") {
        additions.append(("user_agent", userAgent))
      }
    }
    guard !additions.isEmpty else {
      bytes.append(contentsOf: details)
      return
    }
    bytes.append(contentsOf: details.dropLast())
    var isFirst = action.details.isEmpty
    for (name, value) in additions {
      JSONWriter.appendName(name, isFirst: isFirst, to: &bytes)
      JSONWriter.append(value, to: &bytes)
      isFirst = false
    }
    bytes.append(0x7D)
  }
}
