import ActionProof
import AuditActions
import Kafka

/// A record that keeps the contract, ready to be sent.
struct EmitRecord: Sendable {
  let key: [UInt8]
  let value: [UInt8]
  let headers: PackedHeaders
  /// Since 1970; 0: now.
  var timestampMilliseconds: Int64 = 0

  /// What it counts for against the bound of outstanding bytes.
  var byteCount: Int { key.count + value.count + headers.contentBytes }

  init(key: [UInt8], value: [UInt8], headers: PackedHeaders) {
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(_ action: Action, to queue: QueueAddress, id: String, headers: EmitHeaders) throws(EmitError) {
    value = ActionRecord.encode(action)
    _ = try Self.checked(value)
    key = Self.key(of: queue)
    var type = action.type.rawValue
    self.headers = type.withUTF8 { type in
      headers.make(
        id: id, type: UnsafeRawBufferPointer(type), time: action.time, timeToLiveSeconds: action.timeToLive?.seconds)
    }
  }

  /// - Throws: `too_large`, `invalid_action`.
  init(
    _ action: RawAction, to queue: QueueAddress, id: String, headers: EmitHeaders, time: ActionTime = .now
  ) throws(EmitError) {
    try self.init(action, to: queue) { type in
      headers.make(id: id, type: type, time: time, timeToLiveSeconds: action.timeToLive?.seconds)
    }
  }

  /// - Parameter make: its headers; is given the action's type.
  /// - Throws: `too_large`, `invalid_action`.
  init(
    _ action: RawAction, to queue: QueueAddress, headers make: (_ type: UnsafeRawBufferPointer) -> PackedHeaders
  ) throws(EmitError) {
    value = action.body
    let body = try Self.checked(value)
    key = Self.key(of: queue)
    headers = value.withUnsafeBytes { bytes in
      guard body.eventHasEscapes else { return make(UnsafeRawBufferPointer(rebasing: bytes[body.event])) }
      var type = body.eventText(in: bytes)
      return type.withUTF8 { make(UnsafeRawBufferPointer($0)) }
    }
  }

  /// The type of an action whose body is JSON.
  /// - Throws: `too_large`, `invalid_action`.
  static func type(of action: RawAction) throws(EmitError) -> ActionType {
    let body = try checked(action.body)
    return ActionType(action.body.withUnsafeBytes { body.eventText(in: $0) })
  }

  private static func key(of queue: QueueAddress) -> [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(queue.project.utf8.count + 1 + queue.queue.utf8.count)
    key.append(contentsOf: queue.project.utf8)
    key.append(UInt8(ascii: "/"))
    key.append(contentsOf: queue.queue.utf8)
    return key
  }

  /// The record with what proves that it is as it was made. To be called last: no header is to change behind it.
  /// - Parameter place: log id and number, which a spool adds as headers when it publishes.
  /// - Throws: `invalid_configuration` when the signing key does not sign.
  func sealed(by seal: RecordSeal, at place: (log: Int64, sequence: Int64)? = nil) throws(EmitError) -> EmitRecord {
    var sealed = headers
    let log = Array((place.map { String($0.log) } ?? "").utf8)
    let sequence = Array((place.map { String($0.sequence) } ?? "").utf8)
    let failure: (any Error)? = headers.withAll { headers in
      key.withUnsafeBytes { key in
        value.withUnsafeBytes { value in
          log.withUnsafeBytes { log in
            sequence.withUnsafeBytes { sequence in
              var fields = RecordFields(key: key, value: value)
              for (name, value) in headers { fields.set(name, to: value) }
              if place != nil { (fields.log, fields.sequence) = (log, sequence) }
              do { try seal.forEachHeader(of: fields) { sealed.append($0, $1) } } catch { return error }
              return nil
            }
          }
        }
      }
    }
    if let failure { throw .configuration("signingKey does not sign: \(failure)") }
    return EmitRecord(key: key, value: value, headers: sealed)
  }

  /// Why a feed that holds records so would refuse it; nil when it takes it.
  func fault(under proof: RecordProof) -> AuditActionError? {
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        headers.withAll { headers in
          var fields = RecordFields(key: key, value: value)
          for (name, value) in headers { fields.set(name, to: value) }
          return proof.fault(of: fields)
        }
      }
    }
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
