import AuditActions
import Kafka

/// A record that keeps the contract, ready to be sent.
struct EmitRecord: Sendable {
  let key: [UInt8]
  let value: [UInt8]
  let headers: [KafkaHeader]

  /// What it counts for against the bound of outstanding bytes.
  var byteCount: Int {
    headers.reduce(key.count + value.count) { $0 + $1.key.utf8.count + ($1.value?.count ?? 0) }
  }

  init(key: [UInt8], value: [UInt8], headers: [KafkaHeader]) {
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(_ action: Action, to queue: QueueAddress, id: String, source: String) throws(EmitError) {
    value = ActionRecord.encode(action)
    _ = try Self.checked(value)
    key = Array(queue.key.utf8)
    headers = ActionRecord.headers(for: action, id: id, source: source).map { KafkaHeader(key: $0.0, value: $0.1) }
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(_ action: RawAction, to queue: QueueAddress, id: String, source: String) throws(EmitError) {
    value = action.body
    let body = try Self.checked(value)
    let type = value.withUnsafeBytes { body.eventText(in: $0) }
    key = Array(queue.key.utf8)
    headers = ActionRecord.headers(
      type: type, time: .now, timeToLiveSeconds: action.timeToLive?.seconds, id: id, source: source
    ).map { KafkaHeader(key: $0.0, value: $0.1) }
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
