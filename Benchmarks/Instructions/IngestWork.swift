import ActionStore
import AuditActions
import Foundation
import Logging

/// What ingest does with a batch once Kafka's client has given it out: each record's key and body are validated, then
/// all are stored.
enum IngestWork {
  static let batchRecords = 100
  static let queueCount = 50

  /// Of the queues' records.
  static var keys: [[UInt8]] { (0..<queueCount).map { Array("bench/queue-\($0)".utf8) } }

  static func run(count: Int) throws {
    let (keys, body) = (keys, PageWork.body)
    try withStore { store in
      for number in 0..<count {
        _ = try store.append { batch in
          for offset in (number * batchRecords)..<((number + 1) * batchRecords) {
            try body.withUnsafeBytes { body in
              try keys[offset % keys.count].withUnsafeBytes { key in
                try QueueAddress.validateKey(key)
                let event = try ActionBody.validate(body).eventHash(in: body)
                batch.add(
                  partition: 0, offset: Int64(offset), key: key, timestampMilliseconds: nil, timeToLiveSeconds: 3_600,
                  eventHash: event, body: body)
              }
            }
          }
        }
      }
    }
  }

  /// Lends a store in a fresh folder.
  static func withStore(_ body: (ActionStore) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    var logger = Logger(label: "instructions")
    logger.logLevel = .error
    let store = try ActionStore(
      configuration: StoreConfiguration(directory: directory.path, topic: "audit.actions"), logger: logger)
    try body(store)
    try store.close()
  }
}
