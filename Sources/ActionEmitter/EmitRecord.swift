import AuditActions
import Kafka

/// A record that keeps the contract, ready to be sent.
struct EmitRecord: Sendable {
  let key: [UInt8]
  let value: [UInt8]
  let headers: PackedHeaders
  /// Since 1970; 0: now.
  var timestampMilliseconds: Int64 = 0

  /// Room for the headers of most actions.
  private static let headerBytes = 320

  /// What it counts for against the bound of outstanding bytes.
  var byteCount: Int { key.count + value.count + headers.contentBytes }

  init(key: [UInt8], value: [UInt8], headers: PackedHeaders) {
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(_ action: Action, to queue: QueueAddress, id: String, source: String) throws(EmitError) {
    value = ActionRecord.encode(action)
    _ = try Self.checked(value)
    key = Self.key(of: queue)
    var type = action.type.rawValue
    headers = type.withUTF8 { type in
      Self.headers(
        type: UnsafeRawBufferPointer(type), time: action.time, timeToLiveSeconds: action.timeToLive?.seconds, id: id,
        source: source)
    }
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(
    _ action: RawAction, to queue: QueueAddress, id: String, source: String, time: ActionTime = .now
  ) throws(EmitError) {
    value = action.body
    let body = try Self.checked(value)
    key = Self.key(of: queue)
    headers = value.withUnsafeBytes { bytes in
      func make(_ type: UnsafeRawBufferPointer) -> PackedHeaders {
        Self.headers(
          type: type, time: time, timeToLiveSeconds: action.timeToLive?.seconds, id: id, source: source)
      }
      guard body.eventHasEscapes else { return make(UnsafeRawBufferPointer(rebasing: bytes[body.event])) }
      var type = body.eventText(in: bytes)
      return type.withUTF8 { make(UnsafeRawBufferPointer($0)) }
    }
  }

  private static func key(of queue: QueueAddress) -> [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(queue.project.utf8.count + 1 + queue.queue.utf8.count)
    key.append(contentsOf: queue.project.utf8)
    key.append(UInt8(ascii: "/"))
    key.append(contentsOf: queue.queue.utf8)
    return key
  }

  private static func headers(
    type: UnsafeRawBufferPointer, time: ActionTime, timeToLiveSeconds: Int32?, id: String, source: String
  ) -> PackedHeaders {
    var headers = PackedHeaders(capacity: headerBytes)
    ActionRecord.forEachHeader(
      type: type, time: time, timeToLiveSeconds: timeToLiveSeconds, id: id, source: source
    ) { headers.append($0, $1) }
    return headers
  }

  private static func checked(_ value: [UInt8]) throws(EmitError) -> ActionBody {
    do throws(AuditActionError) {
      return try value.withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
        try ActionBody.validate(UnsafeRawBufferPointer(bytes))
      }
    } catch {
      throw EmitError(error)
    }
  }
}
