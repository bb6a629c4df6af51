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
    bytes.append(contentsOf: action.time.rfc3339UTF8)
    bytes.append(0x22)
    bytes.append(0x7D)
    return bytes
  }

  /// The record's headers: `ce_specversion`, `ce_id`, `ce_source`, `ce_type`, `ce_time`, `content-type`, and `ttl`
  /// where the action names one.
  /// - Parameters:
  ///   - id: unique within `source`.
  ///   - source: a URI reference that names the emitter.
  public static func headers(for action: Action, id: String, source: String) -> [(String, [UInt8])] {
    headers(
      type: action.type.rawValue, time: action.time, timeToLiveSeconds: action.timeToLive?.seconds, id: id,
      source: source)
  }

  /// The same for a body that is JSON already.
  package static func headers(
    type: String, time: ActionTime, timeToLiveSeconds: Int32?, id: String, source: String
  ) -> [(String, [UInt8])] {
    var headers: [(String, [UInt8])] = []
    var type = type
    type.withUTF8 { type in
      forEachHeader(
        type: UnsafeRawBufferPointer(type), time: time, timeToLiveSeconds: timeToLiveSeconds, id: id, source: source
      ) { headers.append(("\($0)", Array($1))) }
    }
    return headers
  }

  /// Calls `visit` with each header, its value valid inside the call.
  package static func forEachHeader(
    type: UnsafeRawBufferPointer, time: ActionTime, timeToLiveSeconds: Int32?, id: String, source: String,
    _ visit: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    func visitText(_ name: StaticString, _ text: String) {
      var text = text
      text.withUTF8 { visit(name, UnsafeRawBufferPointer($0)) }
    }
    visitText("ce_specversion", "1.0")
    visitText("ce_id", id)
    visitText("ce_source", source)
    visit("ce_type", type)
    time.rfc3339UTF8.withUnsafeBytes { visit("ce_time", $0) }
    visitText("content-type", "application/json")
    if let timeToLiveSeconds { visitText("ttl", String(timeToLiveSeconds)) }
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
