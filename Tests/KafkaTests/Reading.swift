import Foundation
import Kafka
import Testing

/// A consumed record, copied out of its batch.
struct ReadRecord: Sendable, Equatable {
  var topic: String
  var partition: Int32
  var offset: Int64
  var key: [UInt8]?
  var value: [UInt8]?
  var headers: [KafkaHeader]
  var timestamp: RecordTimestamp

  init(_ record: ConsumedRecord) {
    topic = record.topic
    partition = record.partition
    offset = record.offset
    key = record.key.map { Array($0) }
    value = record.value.map { Array($0) }
    headers = record.headers()
    timestamp = record.timestamp
  }

  var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

/// What polls brought until a condition held.
struct Reading: Sendable {
  var records: [ReadRecord] = []
  var ends: [TopicPartition: Int64] = [:]
  var failures: [KafkaError] = []
}

/// How long tests wait for what a server must do at last; only a failing test takes that long.
let patience: Duration = .seconds(60)

/// Polls on a thread of its own until `isDone`, or for as long as tests are patient.
func read(
  from consumer: KafkaConsumer, _ isDone: @escaping @Sendable (Reading) -> Bool
) async throws -> Reading {
  try await runOnOwnThread(name: "test-poll") { () throws(KafkaError) in
    var reading = Reading()
    let deadline = ContinuousClock.now + patience
    while !isDone(reading), ContinuousClock.now < deadline {
      let batch = try consumer.poll(maxRecords: 1000, timeout: .milliseconds(200))
      for record in batch.records { reading.records.append(ReadRecord(record)) }
      reading.ends.merge(batch.ends) { $1 }
      reading.failures += batch.failures.map(\.error)
    }
    return reading
  }
}

func read(_ count: Int, from consumer: KafkaConsumer) async throws -> [ReadRecord] {
  try await read(from: consumer) { $0.records.count >= count }.records
}
