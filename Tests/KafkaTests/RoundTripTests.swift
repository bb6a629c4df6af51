import Foundation
import Kafka
import Testing

@Suite struct RoundTripTests {
  @Test func whatWasSentIsReadBackWithKeyHeadersNullsAndTime() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("actions", partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    let position = try await producer.sendAcknowledged(
      topic: "actions", key: Array("p/q".utf8), value: Array("{}".utf8),
      headers: [KafkaHeader("a", "1"), KafkaHeader(key: "b", value: nil), KafkaHeader(key: "c", value: [])],
      timestampMilliseconds: 1_700_000_000_123)
    #expect(position.partition == 0)
    #expect(position.offset == 0)
    _ = try await producer.sendAcknowledged(topic: "actions", key: nil, value: nil)
    _ = try await producer.sendAcknowledged(topic: "actions", key: [], value: [])

    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([TopicPartition(topic: "actions", partition: 0): .beginning])
    let records = try await read(3, from: consumer)
    #expect(records.map(\.key) == [Array("p/q".utf8), nil, []])
    #expect(records.map(\.value) == [Array("{}".utf8), nil, []])
    #expect(records.map(\.offset) == [0, 1, 2])
    #expect(
      records[0].headers == [
        KafkaHeader("a", "1"), KafkaHeader(key: "b", value: nil), KafkaHeader(key: "c", value: []),
      ])
    #expect(records[0].timestamp == .createTime(milliseconds: 1_700_000_000_123))
    #expect(records[1].headers.isEmpty)
    #expect(await producer.close(flushTimeout: .seconds(5)) == 0)
    await consumer.close()
    await broker.close()
  }
}
