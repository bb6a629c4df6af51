import AuditActions
import Kafka

/// The headers of a source's records. Those that all of them have alike are packed once.
struct EmitHeaders: Sendable {
  /// Room for the headers that most actions have of their own.
  private static let ownBytes = 192

  private let common: PackedHeaders

  init(source: String) {
    var common = PackedHeaders(capacity: 0)
    ActionRecord.forEachCommonHeader(source: source) { common.append($0, $1) }
    self.common = common
  }

  /// - Parameter id: unique within the source.
  func make(
    id: String, type: UnsafeRawBufferPointer, time: ActionTime, timeToLiveSeconds: Int32?
  ) -> PackedHeaders {
    var headers = PackedHeaders(common, room: Self.ownBytes)
    ActionRecord.forEachHeader(id: id, type: type, time: time, timeToLiveSeconds: timeToLiveSeconds) {
      headers.append($0, $1)
    }
    return headers
  }
}
