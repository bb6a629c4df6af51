import AuditActions
import Kafka

/// A record as the archive sees it. Pointers are valid for the call it is given to.
struct ArchivedRecord {
  var partition: Int32
  var offset: Int64
  var timestamp: RecordTimestamp
  var key: UnsafeRawBufferPointer?
  var value: UnsafeRawBufferPointer?
  var headers: [KafkaHeader]

  /// Milliseconds since 1970, where there is a time that years 1970 to 9999 can say.
  var milliseconds: Int64? {
    timestamp.milliseconds.flatMap { ArchiveTime.range.contains($0) ? $0 : nil }
  }

  /// Whether the broker set the time, not the producer.
  var isBrokersClock: Bool {
    if case .logAppendTime = timestamp { true } else { false }
  }

  func header(named name: String) -> [UInt8]? { headers.last { $0.key == name }?.value }

  /// Holds it against the contract of the topic, as ingest does: what ingest dead-letters is archived as rejected.
  func judge() -> Verdict {
    do throws(AuditActionError) {
      guard let key else { throw .missingKey }
      let slash = try QueueAddress.validateKey(key)
      guard let value else { throw .tombstone }
      var timeToLive: Int32?
      if let header = header(named: "ttl") {
        let result: Result<Int32, AuditActionError> = header.withUnsafeBytes { bytes in
          do throws(AuditActionError) { return .success(try ActionRecord.parseTimeToLive(bytes)) } catch {
            return .failure(error)
          }
        }
        timeToLive = try result.get()
      }
      let body = try ActionBody.validate(value)
      return .action(slash: slash, timeToLiveSeconds: timeToLive, event: body.event)
    } catch {
      return .rejected(error)
    }
  }

  /// Of an action; nil for what was rejected.
  func project(_ kind: LineWriter.Kind) -> String? {
    guard case .action(let slash) = kind, let key else { return nil }
    return String(decoding: key[..<slash], as: UTF8.self)
  }

  init(_ record: ConsumedRecord) {
    partition = record.partition
    offset = record.offset
    timestamp = record.timestamp
    key = record.key
    value = record.value
    headers = record.headers()
  }

  init(
    partition: Int32, offset: Int64, timestamp: RecordTimestamp, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [KafkaHeader]
  ) {
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
  }

  enum Verdict {
    /// `slash` divides the key into project and queue; `event` is where the event's text is in the value, as written.
    case action(slash: Int, timeToLiveSeconds: Int32?, event: Range<Int>)
    case rejected(AuditActionError)
  }
}
